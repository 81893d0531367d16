/* SPDX-License-Identifier: MIT
 *
 * Reading configuration files, and what must be true of one: nobody else may have written it, since
 * it decides where the key is sent. Private to conf/.
 */
#ifndef EASELFS_CONF_CONFIG_FILE_H
#define EASELFS_CONF_CONFIG_FILE_H

#include <stdbool.h>

#include "base/failure.h"
#include "conf/ini_file.h"

/**
 * Read the file @path. It must belong to the caller or root and be closed to writing by group and
 * others. A character device (/dev/null) is an empty file.
 *
 * @optional  a file that does not exist is an empty one
 *
 * @return 0; as ini_file_parse(); -EPERM (others could have written it); or the errno of open(2)
 *         and read(2): each with a sentence that names the file.
 */
int config_file_read(const char *path, bool optional, ini_file_handler *handler, void *context,
                     struct failure *failure);

#endif
