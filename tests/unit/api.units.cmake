# test_api_memory lets each allocation fail in turn.
easelfs_unit(base64 api base)
easelfs_unit(duration api base)
easelfs_unit(request api base)
easelfs_unit(lift api base)
easelfs_unit(lift_limits api base)
easelfs_unit(markdown api base)
easelfs_unit(response api base)
easelfs_unit(response_failure api base)
easelfs_unit(fault api base)
easelfs_unit(api_memory api base)
target_link_options(test_api_memory PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
                    -Wl,--wrap=strdup,--wrap=strndup,--wrap=free)
