easelfs_fuzz(record store conf base)
