easelfs_unit(base base)
easelfs_unit(text base)
easelfs_unit(io base)
easelfs_unit(redact base)
