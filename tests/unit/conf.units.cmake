easelfs_unit(number conf base)
easelfs_unit(settings conf base)
easelfs_unit(models conf base)
easelfs_unit(prompt conf base)
easelfs_unit(url conf base)
easelfs_unit(key conf base)
easelfs_unit(ini conf base)
easelfs_unit(options conf base)
easelfs_unit(config conf base)
easelfs_unit(conf_memory conf base)
# Every allocation that conf/ and base/ ask for goes through the test, which lets each fail in turn.
target_link_options(test_conf_memory PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
                    -Wl,--wrap=strdup,--wrap=strndup,--wrap=asprintf,--wrap=__asprintf_chk)
