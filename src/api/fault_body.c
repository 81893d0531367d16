/* SPDX-License-Identifier: MIT */
#include "api/fault_body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/duration.h"
#include "api/fault.h"
#include "api/lift.h"

#define HEAD_SIZE 1024 /* bytes that are kept of a string that is too long for the skeleton */

/* A body, read: lifting it first makes a tree even of one that was cut. */
struct tree {
    struct lift *lift;
    struct lift_result result;
    cJSON *root;
    char (*heads)[HEAD_SIZE]; /* the beginning of each part, NUL-terminated */
    size_t head_count;
};

/* What the functions below read from and write to. */
struct reader {
    const struct tree *tree; /* NULL: the parts are not at hand */
    const char *key;
    bool is_nested; /* it stood as a string in another one: not unwrapped again */
    struct fault_body *body;
};

static int head_open(void *ctx, unsigned part, enum lift_encoding encoding)
{
    struct tree *tree = ctx;
    char(*heads)[HEAD_SIZE] = realloc(tree->heads, (part + 1) * sizeof(*heads));

    (void)encoding;
    if (!heads)
        return -ENOMEM;
    heads[part][0] = '\0';
    tree->heads = heads;
    tree->head_count = part + 1;
    return 0;
}

static int head_write(void *ctx, unsigned part, const void *data, size_t length)
{
    struct tree *tree = ctx;
    char *head = tree->heads[part];
    size_t used = strlen(head);
    size_t room = HEAD_SIZE - 1 - used;

    length = length < room ? length : room;
    memcpy(head + used, data, length);
    head[used + length] = '\0';
    return 0;
}

static int head_close(void *ctx, unsigned part, const struct lift_part *info)
{
    (void)ctx;
    (void)part;
    (void)info;
    return 0;
}

static void tree_fini(struct tree *tree)
{
    cJSON_Delete(tree->root);
    lift_destroy(tree->lift);
    free(tree->heads);
}

/* Limits that the body passes cut it short: what came before is still good. */
static int tree_read(struct tree *tree, const char *text, size_t length)
{
    const struct lift_sink sink = {tree, head_open, head_write, head_close};
    int error = lift_create(&sink, NULL, &tree->lift);

    if (error)
        return error;
    if (lift_feed(tree->lift, text, length) == -ENOMEM)
        return -ENOMEM;
    error = lift_finish(tree->lift, &tree->result);
    if (error)
        return error;
    tree->root = json_parse(tree->result.skeleton, tree->result.skeleton_length);
    return tree->root ? 0 : -ENOMEM;
}

#define cleanup_tree cleanup_(tree_fini)

/* The text of a string of the tree; NULL where it is none. */
static const char *resolve(const struct reader *reader, const cJSON *string)
{
    const char *text = cJSON_GetStringValue(string);
    unsigned part;

    if (!text || !lift_is_marker(text, &part))
        return text ? lift_string(text) : NULL;
    if (!reader->tree || part >= reader->tree->head_count)
        return NULL;
    return reader->tree->heads[part];
}

static const char *member_text(const struct reader *reader, const cJSON *object, const char *name)
{
    return resolve(reader, json_member(object, name, NULL));
}

/* The first of @names, ending with NULL, that is a string and not empty. */
static const char *first_text(const struct reader *reader, const cJSON *object,
                              const char *const *names)
{
    for (; *names; names++) {
        const char *text = member_text(reader, object, *names);
        if (text && *text)
            return text;
    }
    return NULL;
}

static bool contains(const char *text, const char *sought)
{
    return text && plain_find(text, strlen(text), sought);
}

/* Whether @object's @type says that it is a google.rpc.@name. */
static bool is_detail(const struct reader *reader, const cJSON *object, const char *name)
{
    const char *type = member_text(reader, object, "@type");
    size_t length = type ? strlen(type) : 0;

    return length >= strlen(name) && !strcmp(type + length - strlen(name), name);
}

static void read_violations(const struct reader *reader, const cJSON *failure)
{
    const cJSON *violation;

    cJSON_ArrayForEach(violation, json_member(failure, "violations", NULL))
    {
        const cJSON *value = json_member(violation, "quotaValue", "quota_value");
        const char *text = resolve(reader, value);
        bool is_zero = text ? !strcmp(text, "0") : cJSON_IsNumber(value) && value->valuedouble == 0;

        if (is_zero || contains(member_text(reader, violation, "quotaId"), "PerDay") ||
            contains(member_text(reader, violation, "quota_id"), "PerDay"))
            reader->body->out_of_quota = true;
    }
}

static void read_details(const struct reader *reader, const cJSON *details)
{
    const cJSON *detail;

    if (!cJSON_IsArray(details))
        return;
    cJSON_ArrayForEach(detail, details)
    {
        if (is_detail(reader, detail, "google.rpc.RetryInfo")) {
            const char *delay = resolve(reader, json_member(detail, "retryDelay", "retry_delay"));
            if (delay)
                duration_parse(delay, strlen(delay), &reader->body->retry_delay_ms);
        } else if (is_detail(reader, detail, "google.rpc.QuotaFailure")) {
            read_violations(reader, detail);
        } else if (is_detail(reader, detail, "google.rpc.ErrorInfo")) {
            const char *reason = member_text(reader, detail, "reason");
            if (reason && !strcmp(reason, "API_KEY_INVALID"))
                reader->body->key_is_invalid = true;
        }
    }
}

static int read_json(const struct reader *reader, const cJSON *root);

/* Characters of a request's name. */
static const char id_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-_.:";

static void set_request_id(const struct reader *reader, const char *text)
{
    size_t length = strspn(text, id_characters);

    if (!reader->body->request_id[0])
        plain_copy(text, length, reader->key, reader->body->request_id,
                   sizeof(reader->body->request_id));
}

/* "... (request id: 2025)": keep the id, and drop it from the sentence. */
static void take_request_id(const struct reader *reader, const char *text, size_t length)
{
    static const char introduction[] = "(request id:";
    char *message = reader->body->message;
    const char *id = plain_find(text, length, introduction);
    char *start;
    char *end;

    if (id) {
        id += strlen(introduction);
        set_request_id(reader, id + strspn(id, " "));
    }
    id = plain_find(message, strlen(message), introduction);
    if (!id)
        return;
    start = message + (id - message);
    end = strchr(start, ')');
    while (start > message && start[-1] == ' ')
        start--;
    if (end)
        memmove(start, end + 1, strlen(end + 1) + 1);
    else
        *start = '\0';
}

/*
 * Take the API's words: of a page its title, of JSON in a string what that says, else the text. A
 * text is NUL-terminated somewhere behind @length.
 */
static int read_text(const struct reader *reader, const char *text, size_t length)
{
    struct fault_body *body = reader->body;
    const char *brace = memchr(text, '{', length);
    const char *title;
    size_t title_length;

    if (contains(text, "insufficient"))
        body->out_of_quota = true;
    if (contains(text, "Deadline expired"))
        body->deadline_expired = true;
    if (plain_html_title(text, length, &title, &title_length)) {
        plain_copy(title, title_length, reader->key, body->message, sizeof(body->message));
        return 0;
    }
    if (brace && !reader->is_nested) {
        cleanup_tree struct tree tree = {0};
        const struct reader nested = {&tree, reader->key, true, body};
        int error = tree_read(&tree, brace, length - (size_t)(brace - text));

        if (error)
            return error;
        if (tree.result.verdict != LIFT_NOT_JSON) {
            error = read_json(&nested, tree.root);
            if (error || body->message[0])
                return error;
        }
        if (brace == text)
            return 0;
    }
    plain_copy(text, length, reader->key, body->message, sizeof(body->message));
    take_request_id(reader, text, length);
    return 0;
}

/* The status that a body speaks of, as a number or as its digits. */
static int read_code(const cJSON *object)
{
    static const char *const names[] = {"code", "status", "status_code", "statusCode"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int64_t code = json_member_count(object, names[i], NULL);
        if (code >= 100 && code <= 599)
            return (int)code;
    }
    return 0;
}

/* The object that tells of the error: the innermost `error`, or the one around it. */
static const cJSON *find_carrier(const cJSON *object)
{
    for (int level = 0; level < 3; level++) {
        const cJSON *error = json_member(object, "error", "errors");
        if (cJSON_IsArray(error))
            error = cJSON_GetArrayItem(error, 0);
        if (!cJSON_IsObject(error))
            break;
        object = error;
    }
    return object;
}

static int read_json(const struct reader *reader, const cJSON *root)
{
    static const char *const message_names[] = {
        "message", "msg", "error", "detail", "error_description", "error_message", "title", NULL};
    static const char *const error_names[] = {"status", "code", "type", "reason", NULL};
    static const char *const id_names[] = {"request_id", "requestId", NULL};
    struct fault_body *body = reader->body;
    const cJSON *object = cJSON_IsArray(root) ? cJSON_GetArrayItem(root, 0) : root;
    const cJSON *carrier = find_carrier(object);
    const char *message = cJSON_IsString(object) ? resolve(reader, object)
                                                 : first_text(reader, carrier, message_names);
    const char *name = first_text(reader, carrier, error_names);
    const char *id = first_text(reader, carrier, id_names);
    int error;

    if (!id)
        id = first_text(reader, object, id_names);
    if (id)
        set_request_id(reader, id);
    if (!body->code)
        body->code = read_code(carrier);
    for (int i = 0; error_names[i]; i++) {
        if (contains(member_text(reader, carrier, error_names[i]), "insufficient"))
            body->out_of_quota = true;
    }
    read_details(reader, json_member(carrier, "details", NULL));
    error = message ? read_text(reader, message, strlen(message)) : 0;
    if (!error && !body->message[0] && name)
        plain_copy(name, strlen(name), reader->key, body->message, sizeof(body->message));
    return error;
}

int fault_body_from_json(const cJSON *root, const char *key, struct fault_body *ret_body)
{
    struct fault_body body = {0};
    const struct reader reader = {.key = key, .body = &body};
    int error = read_json(&reader, root);

    if (!error)
        *ret_body = body;
    return error;
}

int fault_body_read(const char *body, size_t length, const char *key, struct fault_body *ret_body)
{
    cleanup_tree struct tree tree = {0};
    struct fault_body found = {0};
    const struct reader reader = {&tree, key, false, &found};
    int error;

    if (length > FAULT_BODY_MAX)
        length = FAULT_BODY_MAX;
    error = tree_read(&tree, body, length);
    if (error)
        return error;
    error = read_json(&reader, tree.root);
    if (!error && !found.message[0])
        error = read_text(&reader, tree.result.remainder, tree.result.remainder_length);
    if (!error)
        *ret_body = found;
    return error;
}

static bool is_filled(const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);

    if (text)
        return *text != '\0';
    return (cJSON_IsObject(value) || cJSON_IsArray(value)) && value->child;
}

bool fault_body_is_error(const cJSON *root)
{
    const cJSON *object = cJSON_IsArray(root) ? cJSON_GetArrayItem(root, 0) : root;
    const cJSON *code = json_member(object, "code", NULL);
    const char *text = cJSON_GetStringValue(code);

    if (is_filled(json_member(object, "error", "errors")) ||
        cJSON_IsFalse(json_member(object, "success", NULL)))
        return true;
    if (!json_member_text(object, "message", "msg"))
        return false;
    if (text && *text && strspn(text, "0123456789") < strlen(text))
        return true;
    return json_member_count(object, "code", NULL) >= 400;
}
