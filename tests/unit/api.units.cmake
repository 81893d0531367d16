# test_api_memory lets each allocation fail in turn.
easelfs_unit(base64 api conf base)
easelfs_unit(duration api conf base)
easelfs_unit(request api conf base)
easelfs_unit(lift api conf base)
easelfs_unit(lift_limits api conf base)
easelfs_unit(markdown api conf base)
easelfs_unit(response api conf base)
easelfs_unit(response_failure api conf base)
easelfs_unit(fault api conf base)
easelfs_unit(model_list api conf base)
easelfs_unit(api_memory api conf base)
target_link_options(test_api_memory PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
                    -Wl,--wrap=strdup,--wrap=strndup,--wrap=free)
