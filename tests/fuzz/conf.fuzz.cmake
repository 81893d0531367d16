easelfs_fuzz(settings conf base)
easelfs_fuzz(ini conf base)
