/* SPDX-License-Identifier: MIT
 *
 * Reading a request into its exchange, as MHD hands it over. MHD's thread.
 */
#ifndef STANDIN_RECEIVE_H
#define STANDIN_RECEIVE_H

#include "standin/exchange.h"

/** Make the exchange of a request whose target has been read. NULL without memory. */
struct exchange *receive_create(struct server *server, struct MHD_Connection *connection,
                                const char *target);

/** Free @exchange and what it owns. */
void receive_destroy(struct exchange *exchange);

/** Take the request line and headers. */
void receive_headers(struct exchange *exchange, const char *method, const char *version);

/** Append a piece of the body. @return 0 or -ENOMEM. */
int receive_body(struct exchange *exchange, const char *data, size_t length);

/**
 * Look whether one of the faults that happen before the body's end is due.
 *
 * @param ret_bytes  after how many bytes of the body it happens
 * @return enum fault_word, or 0.
 */
int receive_early_fault(struct exchange *exchange, size_t *ret_bytes);

#endif
