/* SPDX-License-Identifier: MIT */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* The longest text of an address that inet_pton(3) reads, and of one with "/128". */
#define TEXT_MAX (INET6_ADDRSTRLEN + 4)

static const unsigned char mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct v4_block {
    unsigned char bytes[4];
    unsigned prefix_bits;
};

/*
 * https://www.iana.org/assignments/iana-ipv4-special-registry: what is not globally reachable. Two
 * addresses of 192.0.0.0/24 are, but serve no pictures.
 */
static const struct v4_block v4_not_public[] = {
    {{0, 0, 0, 0}, 8},        /* this network */
    {{10, 0, 0, 0}, 8},       /* private */
    {{100, 64, 0, 0}, 10},    /* carrier-grade NAT; metadata of one cloud */
    {{127, 0, 0, 0}, 8},      /* loopback */
    {{168, 63, 129, 16}, 32}, /* not in the registry: one cloud's host agent, from its guests */
    {{169, 254, 0, 0}, 16},   /* link-local; metadata of most clouds */
    {{172, 16, 0, 0}, 12},    /* private */
    {{192, 0, 0, 0}, 24},     /* protocol assignments; metadata of one cloud */
    {{192, 0, 2, 0}, 24},     /* documentation */
    {{192, 88, 99, 0}, 24},   /* 6to4 relays, withdrawn */
    {{192, 168, 0, 0}, 16},   /* private */
    {{198, 18, 0, 0}, 15},    /* benchmarking */
    {{198, 51, 100, 0}, 24},  /* documentation */
    {{203, 0, 113, 0}, 24},   /* documentation */
    {{224, 0, 0, 0}, 4},      /* multicast */
    {{240, 0, 0, 0}, 4},      /* reserved; broadcast */
};

static const struct address_block v6_compatible = {{{0}}, 96};
static const struct address_block v6_mapped = {{{[10] = 0xff, [11] = 0xff}}, 96};
static const struct address_block v6_nat64 = {{{0x00, 0x64, 0xff, 0x9b}}, 96};
static const struct address_block v6_nat64_local = {{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}}, 48};
static const struct address_block v6_teredo = {{{0x20, 0x01}}, 32};
static const struct address_block v6_6to4 = {{{0x20, 0x02}}, 16};
static const struct address_block v6_unicast = {{{0x20}}, 3};

/* https://www.iana.org/assignments/iana-ipv6-special-registry, inside 2000::/3. */
static const struct address_block v6_not_public[] = {
    {{{0x20, 0x01, 0x00}}, 23},       /* protocol assignments: benchmarking, ORCHID... */
    {{{0x20, 0x01, 0x0d, 0xb8}}, 32}, /* documentation */
    {{{0x3f, 0xff, 0x00}}, 20},       /* documentation */
};

static bool has_prefix(const unsigned char *bytes, const unsigned char *prefix, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned mask = 0xff00U >> bits % 8 & 0xffU;

    return memcmp(bytes, prefix, whole) == 0 &&
           (mask == 0 || ((bytes[whole] ^ prefix[whole]) & mask) == 0);
}

bool address_is_in(const struct address *address, const struct address_block *block)
{
    return has_prefix(address->bytes, block->address.bytes, block->prefix_bits);
}

bool address_from_socket(const struct sockaddr *from, struct address *ret_address,
                         unsigned *ret_port)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;
        memcpy(ret_address->bytes, mapped_prefix, 12);
        memcpy(ret_address->bytes + 12, &v4->sin_addr, 4);
        *ret_port = ntohs(v4->sin_port);
        return true;
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;
        memcpy(ret_address->bytes, &v6->sin6_addr, 16);
        *ret_port = ntohs(v6->sin6_port);
        return true;
    }
    return false;
}

bool address_parse(const char *text, struct address *ret_address)
{
    struct address address;

    if (inet_pton(AF_INET6, text, address.bytes) != 1) {
        memcpy(address.bytes, mapped_prefix, 12);
        if (inet_pton(AF_INET, text, address.bytes + 12) != 1)
            return false;
    }
    *ret_address = address;
    return true;
}

/* "0" to "128", as people write it. */
static bool parse_bits(const char *text, unsigned max, unsigned *ret_bits)
{
    unsigned bits = 0;
    size_t length = strspn(text, "0123456789");

    if (length == 0 || length > 3 || text[length] || (text[0] == '0' && length > 1))
        return false;
    for (size_t i = 0; i < length; i++)
        bits = bits * 10 + (unsigned)(text[i] - '0');
    if (bits > max)
        return false;
    *ret_bits = bits;
    return true;
}

static bool is_zero_after(const struct address *address, unsigned bits)
{
    if (bits % 8 && (address->bytes[bits / 8] & 0xffU >> bits % 8))
        return false;
    for (unsigned i = (bits + 7) / 8; i < 16; i++) {
        if (address->bytes[i])
            return false;
    }
    return true;
}

bool address_parse_block(const char *text, struct address_block *ret_block)
{
    const char *slash = strchrnul(text, '/');
    size_t length = (size_t)(slash - text);
    struct address_block block;
    char address[TEXT_MAX];
    bool v4;

    if (length >= sizeof(address))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    if (!address_parse(address, &block.address))
        return false;
    v4 = !strchr(address, ':');
    block.prefix_bits = v4 ? 32 : 128;
    if (*slash && !parse_bits(slash + 1, block.prefix_bits, &block.prefix_bits))
        return false;
    if (v4)
        block.prefix_bits += 96;
    if (!is_zero_after(&block.address, block.prefix_bits))
        return false;
    *ret_block = block;
    return true;
}

static bool is_public_v4(const unsigned char bytes[4])
{
    for (size_t i = 0; i < sizeof(v4_not_public) / sizeof(v4_not_public[0]); i++) {
        if (has_prefix(bytes, v4_not_public[i].bytes, v4_not_public[i].prefix_bits))
            return false;
    }
    return true;
}

/* RFC 4380, section 4: the server, and the client with every bit turned over. */
static bool is_public_teredo(const unsigned char bytes[16])
{
    unsigned char client[4];

    for (size_t i = 0; i < 4; i++)
        client[i] = (unsigned char)~bytes[12 + i];
    return is_public_v4(bytes + 4) && is_public_v4(client);
}

/*
 * RFC 8215 leaves it to the site where in 64:ff9b:1::/48 the IPv4 address is (RFC 6052, section
 * 2.2: after 48, 56, 64 or 96 bits, byte 8 left out). All readings must be harmless: public, or the
 * zeros of a longer prefix. This refuses some that would be right; result_hosts can allow those.
 */
static bool is_public_nat64_local(const unsigned char bytes[16])
{
    static const unsigned char places[][4] = {
        {6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}};
    bool found = false;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        unsigned char v4[4];
        for (size_t j = 0; j < 4; j++)
            v4[j] = bytes[places[i][j]];
        if (is_public_v4(v4))
            found = true;
        else if (v4[0] != 0)
            return false;
    }
    return found;
}

bool address_is_public(const struct address *address)
{
    const unsigned char *bytes = address->bytes;

    if (address_is_in(address, &v6_mapped) || address_is_in(address, &v6_compatible) ||
        address_is_in(address, &v6_nat64))
        return is_public_v4(bytes + 12);
    if (address_is_in(address, &v6_nat64_local))
        return is_public_nat64_local(bytes);
    if (address_is_in(address, &v6_6to4))
        return is_public_v4(bytes + 2);
    if (address_is_in(address, &v6_teredo))
        return is_public_teredo(bytes);
    for (size_t i = 0; i < sizeof(v6_not_public) / sizeof(v6_not_public[0]); i++) {
        if (address_is_in(address, &v6_not_public[i]))
            return false;
    }
    return address_is_in(address, &v6_unicast);
}
