/* SPDX-License-Identifier: MIT
 *
 * Lift: how a body is cut into pieces makes no difference; the skeleton is always valid JSON in
 * which each marker stands for a part; and where the body was JSON before, a parser that takes all
 * of it at once agrees that it was.
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
        size_t piece = random ? next_random(&random) % 61 + 1 : body->length;
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
        CHECK(seen[i] == (part->encoding <= LIFT_BYTES));
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

/* cJSON is laxer in a few points; but what is not JSON to it is not JSON here. */
static void check_against_cjson(const struct buf *body, const struct lifted *lifted)
{
    const char *start = buf_text(body);
    cJSON *root;

    if (lifted->error || memchr(start, '\0', body->length))
        return;
    root = cJSON_ParseWithLengthOpts(start, body->length + 1, NULL, true);
    CHECK(!root || lifted->result.verdict == LIFT_WHOLE ||
          lifted->result.verdict == LIFT_NOT_JSON || lifted->result.verdict == LIFT_TRAILING);
    cJSON_Delete(root);
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
