# SPDX-License-Identifier: MIT
# What `cmake --install` puts where. All of it is below the prefix; what names the prefix in its text
# (units) is written for the one that is given then.

install(TARGETS easelfs easelfs-standin RUNTIME)

# mount(8) looks in /sbin, which is /usr/sbin: so these work with the prefix /usr.
foreach(helper mount.easelfs mount.fuse.easelfs)
  install(CODE "
    set(sbin \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\")
    file(RELATIVE_PATH program \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SBINDIR}\"
         \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/easelfs\")
    message(STATUS \"Installing: \${sbin}/${helper}\")
    file(MAKE_DIRECTORY \"\${sbin}\")
    file(CREATE_LINK \"\${program}\" \"\${sbin}/${helper}\" SYMBOLIC)")
endforeach()

# Compressed, as man(1) reads them and Debian wants them.
find_program(GZIP gzip REQUIRED)
function(easelfs_compress from to)
  add_custom_command(OUTPUT ${to}.gz
                     COMMAND ${GZIP} -9 -n -c ${from} > ${to}.gz
                     DEPENDS ${from} VERBATIM)
  set_property(GLOBAL APPEND PROPERTY EASELFS_COMPRESSED ${CMAKE_CURRENT_BINARY_DIR}/${to}.gz)
endfunction()

file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.[1-8])
foreach(page IN LISTS pages)
  get_filename_component(name ${page} NAME)
  string(REGEX REPLACE ".*\\." "" section ${name})
  easelfs_compress(${page} ${name})
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.gz
          DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
# Whoever knows the helper by its name finds the page of the program.
foreach(helper mount.easelfs mount.fuse.easelfs)
  set(page ${CMAKE_CURRENT_BINARY_DIR}/${helper}.8)
  file(WRITE ${page} ".so man1/easelfs.1\n")
  easelfs_compress(${page} ${helper}.8)
  install(FILES ${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
endforeach()

install(FILES ${CMAKE_CURRENT_BINARY_DIR}/easelfs.bash RENAME easelfs
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/easelfs.zsh RENAME _easelfs
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/easelfs.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# Units call the programs below /usr in the source, and below the prefix once they are installed.
function(easelfs_install_unit from to)
  install(CODE "
    file(READ \"${PROJECT_SOURCE_DIR}/examples/systemd/${from}\" text)
    string(REPLACE \"/usr/\" \"\${CMAKE_INSTALL_PREFIX}/\" text \"\${text}\")
    file(WRITE \"${CMAKE_CURRENT_BINARY_DIR}/installed/${from}\" \"\${text}\")
    file(INSTALL \"${CMAKE_CURRENT_BINARY_DIR}/installed/${from}\"
         DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${to}\")")
endfunction()
easelfs_install_unit(system/easelfs@.service lib/systemd/system)
easelfs_install_unit(user/easelfs.service lib/systemd/user)
easelfs_install_unit(sysusers.d/easelfs.conf lib/sysusers.d)
easelfs_install_unit(tmpfiles.d/easelfs.conf lib/tmpfiles.d)

install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
        USE_SOURCE_PERMISSIONS
        PATTERN setup.sh EXCLUDE # these two build from the source
        PATTERN demo.sh EXCLUDE
        PATTERN systemd EXCLUDE) # is installed where it works

# Debian's form of the licence, and of the history.
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
string(REGEX REPLACE "^[^\n]*\n\n[^\n]*\n\n" "" licence "${licence}")
string(REGEX REPLACE "\n\n" "\n.\n" licence "${licence}")
string(REGEX REPLACE "\n$" "" licence "${licence}")
string(REGEX REPLACE "\n" "\n " licence "${licence}")
configure_file(package/copyright.in copyright @ONLY)
configure_file(package/changelog.in changelog @ONLY)
easelfs_compress(${CMAKE_CURRENT_BINARY_DIR}/changelog changelog)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/copyright ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
        DESTINATION ${CMAKE_INSTALL_DOCDIR})

get_property(compressed GLOBAL PROPERTY EASELFS_COMPRESSED)
add_custom_target(documents ALL DEPENDS ${compressed})
