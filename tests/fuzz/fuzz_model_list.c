/* SPDX-License-Identifier: MIT
 *
 * Pages of a list of models: whatever they hold, what is taken can be mounted, each once, within
 * the limits, without the key; and what leads to the next page stays inside the query of its URL.
 */
#include <errno.h>

#include "api/model_list.h"
#include "conf/models.h"
#include "fuzz_common.h"

#define KEY  "canary"
#define BASE "https://host/base"

static void check_names(const struct model_offer *offer)
{
    struct model_list list = {0};
    struct failure failure;

    CHECK(offer->count <= MODELS_MAX);
    CHECK(offer->count + offer->left_over <= offer->listed);
    for (size_t i = 0; i < offer->count; i++) {
        const char *name = offer->names[i];
        CHECK(models_is_name(name, strlen(name)));
        CHECK(strncmp(name, "models/", 7) != 0);
        CHECK(!strstr(name, KEY));
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(name, offer->names[j]) != 0);
        CHECK(models_add(&list, name, strlen(name), NULL, false, &failure) == 0 ||
              strchr(name, '/') || strchr(name, '_'));
    }
    models_fini(&list);
}

static void check_url(const char *token)
{
    char *url = NULL;
    const char *query;

    CHECK(strlen(token) <= MODEL_LIST_TOKEN_MAX && *token && !strstr(token, KEY));
    CHECK(model_list_url(BASE, token, &url) == 0);
    CHECK(strncmp(url, BASE "/v1beta/models?", sizeof(BASE "/v1beta/models?") - 1) == 0);
    query = strstr(url, "&pageToken=");
    CHECK(query && !strpbrk(query + 1, "&?#/+ \"<>\\") && !strpbrk(url, "\r\n\t\x7f"));
    for (const char *c = url; *c; c++)
        CHECK(*c > ' ');
    free(url);
}

/* The first byte says whose API it is; pages are divided by a byte that no UTF-8 has. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    bool google = input_byte(&input) & 1;
    struct model_offer offer = {0};

    while (input.size) {
        const uint8_t *end = memchr(input.data, 0xf8, input.size);
        size_t length = end ? (size_t)(end - input.data) : input.size;
        size_t listed = offer.listed;
        struct failure failure;
        struct buf body;
        int error;

        buf_init(&body, 64 << 20);
        append_expanded((struct input){input.data, length}, &body);
        failure_init(&failure);
        error = model_list_read(buf_text(&body), body.length, KEY, google, &offer, &failure);
        buf_fini(&body);
        CHECK(!error == !failure.error);
        CHECK(!error || (!offer.next && offer.listed == listed));
        CHECK(!error || error == -EBADMSG || error == -E2BIG || error == -EREMOTEIO);
        if (error)
            check_sentence(failure.text, KEY);
        check_names(&offer);
        if (offer.next)
            check_url(offer.next);
        length += end != NULL;
        input.data += length;
        input.size -= length;
    }
    model_offer_fini(&offer);
    return 0;
}
