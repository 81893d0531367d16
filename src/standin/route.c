/* SPDX-License-Identifier: MIT */
#include "standin/route.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin/model.h"

#define MODELS   "/v1beta/models"
#define PICTURES "/pictures/"
#define VERB     ":generateContent"

const char *route_name(enum route_kind kind)
{
    static const char *const names[] = {[ROUTE_UNKNOWN] = "unknown",
                                        [ROUTE_GENERATE] = "generate",
                                        [ROUTE_MODELS] = "models",
                                        [ROUTE_MODEL] = "model",
                                        [ROUTE_PICTURE] = "picture"};

    return names[kind];
}

static int hex(char digit)
{
    if (isdigit((unsigned char)digit))
        return digit - '0';
    digit = (char)tolower((unsigned char)digit);
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Decode one path segment. @return whether it is one, and short enough. */
static bool decode(const char *text, size_t length, char *out, size_t size)
{
    size_t written = 0;

    for (size_t i = 0; i < length; i++) {
        int value = (unsigned char)text[i];
        int high;
        int low;

        if (value == '/' || written + 1 >= size)
            return false;
        if (value == '%') {
            high = i + 2 < length ? hex(text[i + 1]) : -1;
            low = i + 2 < length ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            value = high * 16 + low;
            i += 2;
        }
        if (value < ' ')
            return false;
        out[written++] = (char)value;
    }
    out[written] = '\0';
    return true;
}

/* "/NAME" or "/NAME:generateContent". */
static enum route_kind parse_model(const char *path, size_t length, bool post, struct route *route)
{
    size_t verb = strlen(VERB);
    enum route_kind kind = ROUTE_MODEL;

    if (post) {
        if (length < verb || memcmp(path + length - verb, VERB, verb) != 0)
            return ROUTE_UNKNOWN;
        length -= verb;
        kind = ROUTE_GENERATE;
    }
    if (length < 2 || path[0] != '/' ||
        !decode(path + 1, length - 1, route->model, sizeof(route->model)) ||
        !model_name_is_valid(route->model)) {
        route->model[0] = '\0';
        return ROUTE_UNKNOWN;
    }
    return kind;
}

struct route route_parse(const char *method, const char *target)
{
    size_t length = strcspn(target, "?");
    bool get = !strcmp(method, "GET") || !strcmp(method, "HEAD");
    bool post = !strcmp(method, "POST");
    struct route route = {.query = target[length] ? target + length + 1 : ""};

    if (!get && !post)
        return route;
    if (!strncmp(target, MODELS, strlen(MODELS))) {
        if (length == strlen(MODELS))
            route.kind = get ? ROUTE_MODELS : ROUTE_UNKNOWN;
        else
            route.kind =
                parse_model(target + strlen(MODELS), length - strlen(MODELS), post, &route);
    } else if (get && !strncmp(target, PICTURES, strlen(PICTURES))) {
        route.kind = ROUTE_PICTURE;
        snprintf(route.picture, sizeof(route.picture), "%.*s", (int)(length - strlen(PICTURES)),
                 target + strlen(PICTURES));
    }
    return route;
}
