/* SPDX-License-Identifier: MIT
 *
 * The HTTP server: all that knows MHD's handlers. Reads requests into exchanges, suspends their
 * connections while others work on them, and sends the answers.
 */
#ifndef STANDIN_SERVER_H
#define STANDIN_SERVER_H

#include <stdint.h>

#include "standin/options.h"
#include "standin/script.h"

struct server;

/**
 * Listen on 127.0.0.1 and start answering.
 *
 * @param options  must outlive the server
 * @param script   borrowed likewise; may be NULL
 * @return 0 or a negative errno: of the log file, of the port, -ENOMEM.
 */
int server_start(const struct options *options, struct script *script, struct server **ret_server);

/** The port it listens on. */
uint16_t server_port(const struct server *server);

/** Give all answers now that are delayed, to what has come by now. */
void server_hurry(struct server *server);

/** End everything that is under way, close all connections, free. Takes NULL. */
void server_stop(struct server *server);

#endif
