/* SPDX-License-Identifier: MIT */
#include "store/digest.h"

#include <errno.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"

#define CHUNK_BYTES 65536

static int hash_file(EVP_MD_CTX *context, int fd, unsigned char hash[EVP_MAX_MD_SIZE],
                     unsigned *length)
{
    cleanup_free unsigned char *chunk = malloc(CHUNK_BYTES);
    off_t offset = 0;
    ssize_t got;

    if (!chunk || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        return -ENOMEM;
    while ((got = pread(fd, chunk, CHUNK_BYTES, offset)) > 0) {
        if (!EVP_DigestUpdate(context, chunk, (size_t)got))
            return -ENOMEM;
        offset += got;
    }
    if (got < 0)
        return -errno;
    return EVP_DigestFinal_ex(context, hash, length) ? 0 : -ENOMEM;
}

int digest_file(int fd, char digest[DIGEST_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int error = context ? hash_file(context, fd, hash, &length) : -ENOMEM;

    EVP_MD_CTX_free(context);
    for (unsigned i = 0; !error && i < length; i++)
        snprintf(digest + 2 * i, 3, "%02x", hash[i]);
    return error;
}
