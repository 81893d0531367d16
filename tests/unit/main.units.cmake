# The companions of main.c.
easelfs_unit(harden conf base)
target_sources(test_harden PRIVATE ${PROJECT_SOURCE_DIR}/src/harden.c
               ${PROJECT_SOURCE_DIR}/src/harden_landlock.c
               ${PROJECT_SOURCE_DIR}/src/harden_seccomp.c)
target_link_libraries(test_harden PRIVATE PkgConfig::SECCOMP)
