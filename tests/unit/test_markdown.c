/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/markdown.h"
#include "api_parts.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define FIRST_PART 7

/* Scan @text in pieces of @step bytes and write down what was found, a line for each picture. */
static int scan(const char *text, size_t step, struct buf *found)
{
    struct api_parts *parts = api_parts_create();
    struct lift_sink sink = api_parts_sink(parts);
    struct markdown *markdown = NULL;
    struct markdown_result result;
    size_t length = strlen(text);
    int error;

    parts->first = FIRST_PART;
    assert_int_equal(markdown_create(&sink, FIRST_PART, &markdown), 0);
    for (size_t i = 0; i < length; i += step)
        assert_int_equal(markdown_feed(markdown, text + i, length - i < step ? length - i : step),
                         0);
    error = markdown_finish(markdown, &result);
    assert_false(parts->out_of_order);
    for (size_t i = 0; !error && i < result.count; i++) {
        const struct markdown_link *link = &result.links[i];
        if (link->url) {
            assert_int_equal(link->part, LIFT_NONE);
            buf_printf(found, "%s\n", link->url);
            continue;
        }
        assert_true(parts->closed[link->part - FIRST_PART]);
        assert_int_equal(link->info.encoding, LIFT_BYTES);
        assert_int_equal(link->info.rest, LIFT_NONE);
        buf_printf(found, "%u %s %s%s%s\n", link->part, link->info.mime,
                   buf_text(&parts->data[link->part - FIRST_PART]),
                   link->info.complete ? "" : " cut", link->info.damaged ? " damaged" : "");
    }
    markdown_destroy(markdown);
    api_parts_destroy(parts);
    return error;
}

struct row {
    const char *text;
    const char *found;
};

static const struct row rows[] = {
    {"", ""},
    {"no picture! [here](https://x)", ""},
    {"![a](https://host/p.png)", "https://host/p.png\n"},
    {"Here: ![](http://h/1) and ![b](https://h/2).", "http://h/1\nhttps://h/2\n"},
    {"![a]( <https://h/p.png> )", "https://h/p.png\n"},
    {"![a](https://h/p.png \"a (title)\")", "https://h/p.png\n"},
    {"![a](https://h/p_(1).png)", "https://h/p_(1).png\n"},
    {"![a [b] c](https://h/p)", "https://h/p\n"},
    {"![a\nb](\nhttps://h/p\n)", "https://h/p\n"},
    {"!![a](HTTPS://h/p)", "HTTPS://h/p\n"},
    {"![a]![b](https://h/p)", "https://h/p\n"},
    {"![a] (https://h/p)", ""},
    {"![a(https://h/p)", ""},
    {"![see [b](https://h/p)", ""},
    {"![a](ftp://h/p) ![a](file:///etc/passwd) ![a](/p.png)", ""},
    {"![a](https://h/p", ""},
    {"![a]()", ""},
    {"![a](data:image/png;base64,Zm9vYmFy)", "7 image/png foobar\n"},
    {"![a](data:image/png;base64,Zm9vYg)!", "7 image/png foob\n"},
    {"![a](<data:image/png;base64,Zm9vYg==>)", "7 image/png foob\n"},
    {"![a](data:image/png;base64,Zm9vYg== \"t\")", "7 image/png foob\n"},
    {"![a](data:image/png;base64,Zm9v\nYmFy\n)", "7 image/png foobar\n"},
    {"![a](DATA:IMAGE/webp;x=y;BASE64,Pz8_)", "7 image/webp \?\?\?\n"},
    {"![a](data:;base64,Zm9v)![b](https://h/p)![c](data:image/png;base64,Zm8=)",
     "7  foo\nhttps://h/p\n8 image/png fo\n"},
    {"![a](data:image/png;base64,Zm9v*mFy) ![b](https://h/p)",
     "7 image/png foo damaged\nhttps://h/p\n"},
    {"![a](data:image/png;base64,Zm9vY)", "7 image/png foo damaged\n"},
    {"![a](data:image/png;base64,Zm9vYmFy", "7 image/png foobar cut\n"},
    {"![a](data:image/png,plain)", ""},
};

static void every_form_in_every_piece(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step <= strlen(rows[i].text) + 1; step++) {
            cleanup_buf struct buf found;
            buf_init(&found, 4096);
            assert_int_equal(scan(rows[i].text, step, &found), 0);
            if (strcmp(buf_text(&found), rows[i].found) != 0)
                fail_msg("%s: %s", rows[i].text, buf_text(&found));
        }
    }
}

static void a_large_picture_is_decoded_as_it_comes(void **state)
{
    static const size_t steps[] = {1, 100, 8192, 100000};
    static unsigned char data[50000];
    cleanup_buf struct buf text;
    struct base64_encoder encoder;
    char *base64 = calloc(1, BASE64_ENCODE_ROOM(sizeof(data)) + 4);
    size_t length;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (unsigned char)(i * 131 + (i >> 7));
    base64_encode_start(&encoder);
    length = base64_encode(&encoder, data, sizeof(data), base64);
    base64_encode_finish(&encoder, base64 + length);
    buf_init(&text, 1 << 20);
    buf_printf(&text, "![a](data:image/png;base64,%s)", base64);
    free(base64);
    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        struct api_parts *parts = api_parts_create();
        struct lift_sink sink = api_parts_sink(parts);
        struct markdown *markdown = NULL;
        struct markdown_result result;
        assert_int_equal(markdown_create(&sink, 0, &markdown), 0);
        for (size_t i = 0; i < text.length; i += steps[s])
            markdown_feed(markdown, text.data + i,
                          text.length - i < steps[s] ? text.length - i : steps[s]);
        assert_int_equal(markdown_finish(markdown, &result), 0);
        assert_int_equal(result.count, 1);
        assert_int_equal(parts->data[0].length, sizeof(data));
        assert_memory_equal(parts->data[0].data, data, sizeof(data));
        assert_int_equal(result.links[0].info.bytes, sizeof(data));
        markdown_destroy(markdown);
        api_parts_destroy(parts);
    }
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    while ((text = strchr(text, '\n'))) {
        text++;
        count++;
    }
    return count;
}

static void pictures_and_urls_are_limited(void **state)
{
    (void)state;
    for (size_t count = MARKDOWN_LINKS_MAX; count <= MARKDOWN_LINKS_MAX + 1; count++) {
        cleanup_buf struct buf text;
        cleanup_buf struct buf found;
        buf_init(&text, 1 << 20);
        buf_init(&found, 1 << 20);
        for (size_t i = 0; i < count; i++)
            buf_printf(&text, "![](https://h/%zu)", i);
        assert_int_equal(scan(buf_text(&text), 100, &found), 0);
        assert_int_equal(count_lines(buf_text(&found)), MARKDOWN_LINKS_MAX);
    }
    for (size_t length = MARKDOWN_URL_MAX; length <= MARKDOWN_URL_MAX + 1; length++) {
        cleanup_buf struct buf text;
        cleanup_buf struct buf found;
        buf_init(&text, 1 << 20);
        buf_init(&found, 1 << 20);
        buf_printf(&text, "![](https://%0*d) ![](https://next)", (int)length - 8, 0);
        assert_int_equal(scan(buf_text(&text), 1000, &found), 0);
        assert_int_equal(count_lines(buf_text(&found)), length > MARKDOWN_URL_MAX ? 1 : 2);
    }
}

static void an_error_of_the_sink_is_final(void **state)
{
    static const char text[] = "![a](data:image/png;base64,Zm9vYmFy) tail";

    (void)state;
    for (unsigned call = 1; call <= 3; call++) {
        struct api_parts *parts = api_parts_create();
        struct lift_sink sink = api_parts_sink(parts);
        struct markdown *markdown = NULL;
        struct markdown_result result;
        parts->fail_at = call;
        parts->fail_with = -ENOSPC;
        assert_int_equal(markdown_create(&sink, 0, &markdown), 0);
        assert_int_equal(markdown_feed(markdown, text, strlen(text)), -ENOSPC);
        assert_int_equal(markdown_feed(markdown, text, strlen(text)), -ENOSPC);
        assert_int_equal(markdown_finish(markdown, &result), -ENOSPC);
        assert_int_equal(parts->call_count, call);
        markdown_destroy(markdown);
        api_parts_destroy(parts);
    }
    markdown_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_in_every_piece),
        cmocka_unit_test(a_large_picture_is_decoded_as_it_comes),
        cmocka_unit_test(pictures_and_urls_are_limited),
        cmocka_unit_test(an_error_of_the_sink_is_final),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
