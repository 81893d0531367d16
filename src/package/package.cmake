# SPDX-License-Identifier: MIT
# `cpack -G DEB`: a Debian package of what `cmake --install` installs. Build it with the default
# prefix or any other: the package is for /usr.

set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_NAME easelfs)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the easelfs authors <easelfs@example.org>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CHECKSUM SHA256)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# fusermount3 and mount.fuse3; who makes the user that serves a workstation.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "fuse3 (>= 3.14), systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, fonts-dejavu-core")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "attr, inotify-tools")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "image models as directories")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Save a text file called \"prompt\" in the directory of a model, and the picture
that the model makes of it appears beside it. Pictures that lie there are sent
along as references. Shells, editors, file managers, scripts: every program
that can save a file can make a picture.

easelfs is a FUSE file system. It speaks the format of the Gemini API, sends
nothing twice unasked, and says in a file beside the prompt what went wrong. A
stand-in for the API is included, for trying it without a key and without cost.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_SOURCE_DIR}/package/postinst
    ${CMAKE_CURRENT_SOURCE_DIR}/package/prerm
    ${CMAKE_CURRENT_SOURCE_DIR}/package/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
