easelfs_unit(base base)
