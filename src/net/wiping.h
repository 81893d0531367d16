/* SPDX-License-Identifier: MIT
 *
 * Memory for libcurl that is wiped when it is freed. It copies the key into lists of headers,
 * requests and tables of HTTP/2, and leaves the copies behind in free memory.
 */
#ifndef EASELFS_NET_WIPING_H
#define EASELFS_NET_WIPING_H

/** Like curl_global_init(3) with CURL_GLOBAL_DEFAULT. @return 0, or -ENOMEM. */
int wiping_init(void);

#endif
