easelfs_unit(record store conf base)
easelfs_unit(record_parse store conf base)
easelfs_unit(record_damage store conf base)
easelfs_unit(spool store conf base)
easelfs_unit(spool_load store conf base)
easelfs_unit(inode store conf base)
easelfs_unit(inode_place store conf base)
easelfs_unit(inode_threads store conf base)
easelfs_unit(imagetype store conf base)
easelfs_unit(imagesize store conf base)
easelfs_unit(values store conf base)
easelfs_unit(ownership store conf base)
easelfs_unit(store_memory store conf base)
# Every allocation that store/ and base/ ask for goes through the test, which lets each fail in
# turn; and so does the reading of directories.
target_link_options(test_store_memory PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
                    -Wl,--wrap=strdup,--wrap=free,--wrap=readdir64)
