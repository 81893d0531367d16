easelfs_fuzz(guard net base)
