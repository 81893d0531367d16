easelfs_fuzz(record store conf base)
easelfs_fuzz(imagesize store conf base)
