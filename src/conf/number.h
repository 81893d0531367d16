/* SPDX-License-Identifier: MIT
 *
 * Numbers as people write them in settings and options, strictly and in every locale alike: no
 * exponents, no "0x", nothing before or behind. Pure: no I/O.
 */
#ifndef EASELFS_CONF_NUMBER_H
#define EASELFS_CONF_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/** Room for the normal form of any number here and its NUL. */
#define NUMBER_TEXT_SIZE 24

/** Decimals that number_parse_decimal() keeps. */
#define NUMBER_DECIMALS 6

/** One of the value 1 in the unit of number_parse_decimal(). */
#define NUMBER_ONE 1000000

/**
 * Read an integer: digits, with "-" in front where it is negative.
 *
 * @return 0; -EINVAL (not such a text); -ERANGE (outside @low..@high).
 */
int number_parse(const char *text, size_t length, int64_t low, int64_t high, int64_t *ret_value);

/**
 * Read a decimal number without sign: "1", "0.95", ".5". Its value is given in millionths.
 *
 * @return 0; -EINVAL (not such a text, or more decimals than NUMBER_DECIMALS that are not 0);
 *         -ERANGE (above @high).
 */
int number_parse_decimal(const char *text, size_t length, int64_t high, int64_t *ret_millionths);

/** Write the shortest decimal of @millionths >= 0: "1", "0.95". It is a JSON number. */
void number_format_decimal(int64_t millionths, char text[NUMBER_TEXT_SIZE]);

/**
 * Read a size in bytes: digits, then nothing, K, M or G (1024, its square and its cube; lower case
 * too, and "KiB" or "KB" likewise).
 *
 * @return as number_parse().
 */
int number_parse_bytes(const char *text, size_t length, int64_t low, int64_t high,
                       int64_t *ret_value);

/** Write @bytes with the largest suffix that divides it: "20M", "1000". */
void number_format_bytes(int64_t bytes, char text[NUMBER_TEXT_SIZE]);

#endif
