easelfs_unit(job_states job net api store conf base)
easelfs_unit(naming job net api store conf base)
easelfs_unit(survey job net api store conf base)
easelfs_unit(numbering job net api store conf base)
easelfs_unit(answerfile job net api store conf base)
easelfs_unit(accounts job net api store conf base)
easelfs_unit(turns job net api store conf base)
easelfs_unit(limits job net api store conf base)
easelfs_unit(user_limits job net api store conf base)
easelfs_unit(job_memory job net api store conf base)
# Every allocation that job/ and base/ ask for goes through the test, which lets each fail in turn.
target_link_options(test_job_memory PRIVATE
                    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray
                    -Wl,--wrap=strdup,--wrap=free,--wrap=scandirat64)
