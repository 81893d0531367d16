/* SPDX-License-Identifier: MIT
 *
 * Lift: how a body is cut into pieces makes no difference; the skeleton is always valid JSON in
 * which each marker stands for a part; and what a parser that takes all of a body at once makes of
 * it is what the skeleton says.
 */
#include <cjson/cJSON.h>
#include <errno.h>

#include "api/lift.h"
#include "api_parts.h"
#include "fuzz_common.h"

struct lifted {
    struct api_parts *parts;
    struct lift *lift;
    struct lift_result result;
    int error;
};

static struct lifted lift_body(const struct buf *body, uint32_t random,
                               const struct lift_limits *limits)
{
    struct lifted lifted = {.parts = api_parts_create()};
    struct lift_sink sink = api_parts_sink(lifted.parts);

    CHECK(lifted.parts && !lift_create(&sink, limits, &lifted.lift));
    for (size_t done = 0; done < body->length && !lifted.error;) {
        size_t piece = random ? next_random(&random) % (body->length / 32 + 8) + 1 : body->length;
        char *exact;
        piece = body->length - done < piece ? body->length - done : piece;
        exact = malloc(piece);
        CHECK(exact);
        memcpy(exact, body->data + done, piece);
        lifted.error = lift_feed(lifted.lift, exact, piece);
        free(exact);
        done += piece;
    }
    CHECK(!lift_finish(lifted.lift, &lifted.result));
    CHECK(!lifted.parts->out_of_order && !lifted.parts->is_open);
    CHECK(lifted.parts->count == lifted.result.part_count);
    return lifted;
}

static void lifted_fini(struct lifted *lifted)
{
    lift_destroy(lifted->lift);
    api_parts_destroy(lifted->parts);
}

static void check_same(const struct lifted *left, const struct lifted *right)
{
    CHECK(left->error == right->error);
    CHECK(left->result.verdict == right->result.verdict);
    CHECK(left->error || left->result.total_bytes == right->result.total_bytes);
    CHECK(left->result.skeleton_length == right->result.skeleton_length);
    CHECK(!strcmp(left->result.skeleton, right->result.skeleton));
    CHECK(left->result.remainder_length == right->result.remainder_length);
    CHECK(!memcmp(left->result.remainder, right->result.remainder, left->result.remainder_length));
    CHECK(left->result.part_count == right->result.part_count);
    for (size_t i = 0; i < left->result.part_count; i++) {
        const struct lift_part *a = &left->result.parts[i];
        const struct lift_part *b = &right->result.parts[i];
        CHECK(a->encoding == b->encoding && a->bytes == b->bytes && a->complete == b->complete &&
              a->damaged == b->damaged && a->damaged_offset == b->damaged_offset &&
              a->rest == b->rest && !strcmp(a->mime, b->mime));
        CHECK(left->parts->data[i].length == a->bytes && right->parts->data[i].length == a->bytes);
        CHECK(!memcmp(buf_text(&left->parts->data[i]), buf_text(&right->parts->data[i]), a->bytes));
    }
}

/* Count the markers of a tree in @seen. */
static void find_markers(const cJSON *node, const struct lift_result *result, unsigned *seen)
{
    for (; node; node = node->next) {
        unsigned part;
        if (cJSON_IsString(node) && lift_is_marker(node->valuestring, &part)) {
            CHECK(part < result->part_count);
            CHECK(result->parts[part].encoding <= LIFT_BYTES);
            CHECK(!seen[part]++);
        } else if (cJSON_IsString(node)) {
            CHECK(strlen(lift_string(node->valuestring)) <= LIFT_INLINE_MAX);
        }
        find_markers(node->child, result, seen);
    }
}

static void check_result(const struct lifted *lifted)
{
    const struct lift_result *result = &lifted->result;
    cJSON *root =
        cJSON_ParseWithLengthOpts(result->skeleton, result->skeleton_length + 1, NULL, true);
    unsigned seen[LIFT_PARTS_MAX] = {0};

    CHECK(root);
    CHECK(strlen(result->skeleton) == result->skeleton_length);
    CHECK(result->part_count <= LIFT_PARTS_MAX);
    find_markers(root, result, seen);
    for (size_t i = 0; i < result->part_count; i++) {
        const struct lift_part *part = &result->parts[i];
        /* The skeleton may be too full for the marker of the part at which it failed. */
        CHECK(seen[i] == (part->encoding <= LIFT_BYTES) || (lifted->error && !part->complete));
        if (part->rest != LIFT_NONE) {
            CHECK(part->encoding == LIFT_BYTES && part->rest == i + 1);
            CHECK(part->rest < result->part_count);
            CHECK(result->parts[i + 1].encoding == LIFT_REST);
        }
        CHECK(!part->damaged || part->rest != LIFT_NONE);
        CHECK(result->verdict != LIFT_WHOLE || part->complete);
        CHECK((part->encoding == LIFT_REMAINDER) <= (result->verdict == LIFT_TRAILING ||
                                                     result->verdict == LIFT_NOT_JSON ||
                                                     lifted->error));
    }
    cJSON_Delete(root);
}

/* Whether lift may have changed @text: U+FFFD stands for what cannot be kept. */
static bool is_replaced(const char *text)
{
    return strstr(text, "\xef\xbf\xbd") != NULL;
}

static void compare_string(const char *expected, const char *string, const struct lifted *lifted)
{
    unsigned part;

    if (lift_is_marker(string, &part)) {
        const struct buf *data = &lifted->parts->data[part];
        CHECK(strlen(expected) > LIFT_INLINE_MAX);
        if (lifted->result.parts[part].encoding == LIFT_TEXT && !is_replaced(buf_text(data)))
            CHECK(!strcmp(expected, buf_text(data)));
    } else if (!is_replaced(string)) {
        CHECK(!strcmp(expected, lift_string(string)));
    }
}

/* What a parser makes of the body, and of the skeleton. */
static void compare_trees(const cJSON *expected, const cJSON *node, const struct lifted *lifted)
{
    for (; expected && node; expected = expected->next, node = node->next) {
        CHECK(!expected->string == !node->string);
        if (node->string && !is_replaced(node->string))
            CHECK(!strcmp(expected->string, node->string));
        if (cJSON_IsString(expected) && cJSON_IsString(node))
            compare_string(expected->valuestring, node->valuestring, lifted);
        else if (cJSON_IsNumber(expected)) /* cJSON takes "01" for one */
            CHECK(cJSON_IsString(node) || cJSON_IsNumber(node));
        else
            CHECK((expected->type & 0xff) == (node->type & 0xff));
        compare_trees(expected->child, node->child, lifted);
    }
    CHECK(!expected && !node);
}

/* To cJSON \uXXXX with anything but digits is U+0000, too, and that ends a string. */
static bool has_odd_escape(const char *text)
{
    while ((text = strstr(text, "\\u"))) {
        text += 2;
        if (strspn(text, "0123456789abcdefABCDEF") < 4 || !strncmp(text, "0000", 4))
            return true;
    }
    return false;
}

/* To cJSON control characters are white space, and numbers have no maximum. */
static bool has_odd_characters(const char *text)
{
    size_t digits = 0;

    for (; *text; text++) {
        if ((unsigned char)*text < ' ' && !strchr("\t\n\r", *text))
            return true;
        digits = *text >= '0' && *text <= '9' ? digits + 1 : 0;
        if (digits > LIFT_SCALAR_MAX / 4)
            return true;
    }
    return false;
}

/* What cJSON takes for JSON is JSON here, and the skeleton says the same. */
static void check_against_cjson(const struct buf *body, const struct lifted *lifted)
{
    cJSON *expected;
    cJSON *skeleton;

    if (lifted->error || !body->length || memchr(body->data, '\0', body->length) ||
        has_odd_escape(body->data) || has_odd_characters(body->data))
        return;
    expected = cJSON_ParseWithLengthOpts(body->data, body->length + 1, NULL, true);
    if (!expected || cJSON_IsNumber(expected)) {
        cJSON_Delete(expected);
        return;
    }
    CHECK(lifted->result.verdict == LIFT_WHOLE);
    skeleton = cJSON_Parse(lifted->result.skeleton);
    CHECK(skeleton);
    compare_trees(expected, skeleton, lifted);
    cJSON_Delete(expected);
    cJSON_Delete(skeleton);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint32_t random = (uint32_t)(input_byte(&input) + 1);
    uint8_t choice = input_byte(&input);
    const struct lift_limits limits = {
        .skeleton_bytes = choice & 1 ? (size_t)choice * 4 : 0,
        .total_bytes = choice & 2 ? (uint64_t)choice * 64 : 0,
    };
    struct buf body;
    struct lifted whole;
    struct lifted pieces;

    buf_init(&body, 64 << 20);
    append_expanded(input, &body);
    whole = lift_body(&body, 0, &limits);
    pieces = lift_body(&body, random, &limits);
    check_same(&whole, &pieces);
    check_result(&whole);
    check_against_cjson(&body, &whole);
    lifted_fini(&whole);
    lifted_fini(&pieces);
    buf_fini(&body);
    return 0;
}
