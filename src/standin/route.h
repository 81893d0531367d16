/* SPDX-License-Identifier: MIT
 *
 * What a method and a request target ask for. The target is read raw: a `/` within a model's name
 * must be escaped and the `:` before the verb must not be, which a decoded path no longer shows.
 */
#ifndef STANDIN_ROUTE_H
#define STANDIN_ROUTE_H

#define ROUTE_MODEL_SIZE 160

enum route_kind { ROUTE_UNKNOWN, ROUTE_GENERATE, ROUTE_MODELS, ROUTE_MODEL, ROUTE_PICTURE };

struct route {
    enum route_kind kind;
    char model[ROUTE_MODEL_SIZE];   /* decoded; "" where the route has none */
    char picture[ROUTE_MODEL_SIZE]; /* what follows "/pictures/" */
    const char *query;              /* into the target; "" where there is none */
};

/** Read @target, which must outlive the result. */
struct route route_parse(const char *method, const char *target);

/** The name of a kind in the log. */
const char *route_name(enum route_kind kind);

#endif
