/* SPDX-License-Identifier: MIT
 *
 * IP addresses as 16 bytes, IPv4 in its mapped form (::ffff:0:0/96), so that one table holds both
 * families. Knows what the public network is (IANA's special-purpose registries). Pure.
 */
#ifndef EASELFS_NET_ADDRESS_H
#define EASELFS_NET_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

struct address {
    unsigned char bytes[16];
};

/* All addresses whose first @prefix_bits are those of @address. */
struct address_block {
    struct address address;
    unsigned prefix_bits; /* of 128 */
};

/** @return false where @from is neither IPv4 nor IPv6. */
bool address_from_socket(const struct sockaddr *from, struct address *ret_address,
                         unsigned *ret_port);

/** Read dotted IPv4 or IPv6 as inet_pton(3) does. @return false where @text is neither. */
bool address_parse(const char *text, struct address *ret_address);

/** Read "ADDRESS" or "ADDRESS/BITS"; bits after the prefix must be 0. @return whether it is one. */
bool address_parse_block(const char *text, struct address_block *ret_block);

bool address_is_in(const struct address *address, const struct address_block *block);

/**
 * Whether @address is global unicast. What embeds an IPv4 address (mapped, compatible, 6to4,
 * Teredo, NAT64) is judged by that.
 */
bool address_is_public(const struct address *address);

#endif
