/* SPDX-License-Identifier: MIT
 *
 * Markdown: how a text is cut into pieces makes no difference, and a URL is one that may be
 * fetched.
 */
#include <strings.h>

#include "api/markdown.h"
#include "api_parts.h"
#include "fuzz_common.h"

struct scanned {
    struct api_parts *parts;
    struct markdown *markdown;
    struct markdown_result result;
};

static struct scanned scan(const struct buf *text, uint32_t random)
{
    struct scanned scanned = {.parts = api_parts_create()};
    struct lift_sink sink = api_parts_sink(scanned.parts);

    CHECK(scanned.parts && !markdown_create(&sink, 0, &scanned.markdown));
    for (size_t done = 0; done < text->length;) {
        size_t piece = random ? next_random(&random) % (text->length / 32 + 8) + 1 : text->length;
        char *exact;
        piece = text->length - done < piece ? text->length - done : piece;
        exact = malloc(piece);
        CHECK(exact);
        memcpy(exact, text->data + done, piece);
        CHECK(!markdown_feed(scanned.markdown, exact, piece));
        free(exact);
        done += piece;
    }
    CHECK(!markdown_finish(scanned.markdown, &scanned.result));
    CHECK(!scanned.parts->out_of_order && !scanned.parts->is_open);
    CHECK(scanned.result.count <= MARKDOWN_LINKS_MAX);
    return scanned;
}

static void scanned_fini(struct scanned *scanned)
{
    markdown_destroy(scanned->markdown);
    api_parts_destroy(scanned->parts);
}

static void check_link(const struct scanned *scanned, const struct markdown_link *link)
{
    if (!link->url) {
        CHECK(link->part < scanned->parts->count && scanned->parts->closed[link->part]);
        CHECK(scanned->parts->data[link->part].length == link->info.bytes);
        return;
    }
    CHECK(link->part == LIFT_NONE);
    CHECK(!strncasecmp(link->url, "https://", 8) || !strncasecmp(link->url, "http://", 7));
    CHECK(strlen(link->url) <= MARKDOWN_URL_MAX);
    for (const char *c = link->url; *c; c++)
        CHECK((unsigned char)*c > ' ' && *c != 0x7f && *c != '>');
}

static void check_same(const struct scanned *left, const struct scanned *right)
{
    CHECK(left->result.count == right->result.count);
    for (size_t i = 0; i < left->result.count; i++) {
        const struct markdown_link *a = &left->result.links[i];
        const struct markdown_link *b = &right->result.links[i];
        check_link(left, a);
        CHECK(a->part == b->part && !a->url == !b->url);
        CHECK(!a->url || !strcmp(a->url, b->url));
        CHECK(a->info.bytes == b->info.bytes && a->info.complete == b->info.complete &&
              a->info.damaged == b->info.damaged &&
              a->info.damaged_offset == b->info.damaged_offset &&
              !strcmp(a->info.mime, b->info.mime));
        CHECK(a->url || !memcmp(buf_text(&left->parts->data[a->part]),
                                buf_text(&right->parts->data[b->part]), a->info.bytes));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint32_t random = (uint32_t)(input_byte(&input) + 1);
    struct buf text;
    struct scanned whole;
    struct scanned pieces;

    buf_init(&text, 64 << 20);
    append_expanded(input, &text);
    whole = scan(&text, 0);
    pieces = scan(&text, random);
    check_same(&whole, &pieces);
    scanned_fini(&whole);
    scanned_fini(&pieces);
    buf_fini(&text);
    return 0;
}
