/* SPDX-License-Identifier: MIT
 *
 * SHA-256 of files: the only user of libcrypto.
 */
#ifndef EASELFS_STORE_DIGEST_H
#define EASELFS_STORE_DIGEST_H

/** Room for the digest in hexadecimal, and its NUL. */
#define DIGEST_SIZE 65

/**
 * The SHA-256 of all that @fd holds, in lower-case hexadecimal. The offset of @fd is not changed.
 *
 * @return 0, -ENOMEM, or the negative errno of pread(2)
 */
int digest_file(int fd, char digest[DIGEST_SIZE]);

#endif
