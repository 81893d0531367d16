/* SPDX-License-Identifier: MIT */
#include "api/model_list.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "api/fault_body.h"
#include "api/json.h"
#include "api/lift.h"
#include "api/plain.h"
#include "api/sentence.h"
#include "conf/models.h"

#define PATH   "/v1beta/models?pageSize="
#define METHOD "generateContent"

/* A page as it is read. */
struct reader {
    const char *key; /* NULL: none */
    bool google;
    struct model_offer *offer;
    struct failure *failure;
};

void model_offer_fini(struct model_offer *offer)
{
    for (size_t i = 0; i < offer->count; i++)
        free(offer->names[i]);
    free(offer->names);
    free(offer->next);
    *offer = (struct model_offer){0};
}

int model_list_url(const char *base, const char *token, char **ret_url)
{
    size_t escaped_max = token ? 3 * strlen(token) : 0;
    cleanup_buf struct buf url = {.max = strlen(base) + escaped_max + 64};
    int error = buf_printf(&url, "%s" PATH "%d", base, MODEL_LIST_PAGE_SIZE);

    if (!error && token)
        error = buf_append_text(&url, "&pageToken=");
    if (!error && token)
        error = buf_append_escaped(&url, token);
    if (error)
        return error;
    *ret_url = buf_steal(&url);
    return 0;
}

static bool holds_key(const struct reader *reader, const char *text)
{
    return reader->key && *reader->key && strstr(text, reader->key);
}

/* "image", but not as the beginning of "imagen". */
static bool speaks_of_images(const char *name)
{
    const char *end = name + strlen(name);
    const char *found = name;

    while ((found = plain_find(found, (size_t)(end - found), "image"))) {
        found += strlen("image");
        if (*found != 'n' && *found != 'N')
            return true;
    }
    return false;
}

/* An empty list of methods says as much as none. */
static bool can_generate(const cJSON *entry)
{
    const cJSON *methods =
        json_member(entry, "supportedGenerationMethods", "supported_generation_methods");
    const cJSON *method;

    if (!cJSON_IsArray(methods) || !methods->child)
        return true;
    cJSON_ArrayForEach(method, methods)
    {
        const char *text = cJSON_GetStringValue(method);
        if (text && strcmp(text, METHOD) == 0)
            return true;
    }
    return false;
}

static bool makes_pictures(const struct reader *reader, const cJSON *entry, const char *name)
{
    const struct model_profile *profile = models_find_profile(name, reader->google);

    if (profile == &model_profile_permissive)
        profile = NULL;
    return (profile || speaks_of_images(name)) && can_generate(entry);
}

static bool is_known(const struct model_offer *offer, const char *name)
{
    for (size_t i = 0; i < offer->count; i++) {
        if (strcmp(offer->names[i], name) == 0)
            return true;
    }
    return false;
}

static int add_name(struct model_offer *offer, const char *name)
{
    cleanup_free char *copy = NULL;
    char **grown;

    if (offer->count == MODELS_MAX) {
        offer->left_over++;
        return 0;
    }
    copy = strdup(name);
    grown = reallocarray(offer->names, offer->count + 1, sizeof(*grown));
    if (grown)
        offer->names = grown;
    if (!copy || !grown)
        return -ENOMEM;
    offer->names[offer->count++] = steal_ptr(copy);
    return 0;
}

/* The name of an entry of any shape, without "models/"; NULL: it has none that can be mounted. A
 * list under "data" has the name in "id"; "name" may then be a title. */
static const char *name_of(const struct reader *reader, const cJSON *entry, bool by_id)
{
    const char *name = cJSON_GetStringValue(entry);
    size_t length;

    if (!name)
        name =
            by_id ? json_member_text(entry, "id", "name") : json_member_text(entry, "name", "id");
    if (!name || holds_key(reader, name))
        return NULL;
    length = strlen(name);
    models_drop_prefix(&name, &length);
    return models_is_name(name, length) ? name : NULL;
}

static int read_entries(const struct reader *reader, const cJSON *entries, bool by_id)
{
    struct model_offer *offer = reader->offer;
    const cJSON *entry;
    int error = 0;

    cJSON_ArrayForEach(entry, entries)
    {
        const char *name = name_of(reader, entry, by_id);
        offer->listed++;
        if (name && makes_pictures(reader, entry, name) && !is_known(offer, name))
            error = add_name(offer, name);
        if (error)
            break;
    }
    return error;
}

static int find_next(const struct reader *reader, const cJSON *root, char **ret_next)
{
    const char *token = json_member_text(root, "nextPageToken", "next_page_token");
    unsigned part;

    *ret_next = NULL;
    if (!token || !*token)
        return 0;
    if (lift_is_marker(token, &part) || strlen(lift_string(token)) > MODEL_LIST_TOKEN_MAX)
        return failure_set(reader->failure, -E2BIG,
                           "The token of the next page of the list is longer than %d bytes.",
                           MODEL_LIST_TOKEN_MAX);
    token = lift_string(token);
    if (holds_key(reader, token))
        return failure_set(reader->failure, -EBADMSG,
                           "The API gives the key as the token of the next page of its list.");
    *ret_next = strdup(token);
    return *ret_next ? 0 : -ENOMEM;
}

static int tell_error(const struct reader *reader, const cJSON *root)
{
    struct fault_body body;
    int error = fault_body_from_json(root, reader->key, &body);

    if (error)
        return error;
    sentence_tell(reader->failure, SENTENCE_ERROR_IN_ANSWER, body.message);
    return reader->failure->error;
}

static int read_root(const struct reader *reader, const cJSON *root)
{
    const cJSON *list = root;
    cleanup_free char *next = NULL;
    bool by_id = false;
    int error;

    if (fault_body_is_error(root))
        return tell_error(reader, root);
    if (cJSON_IsArray(root) && cJSON_GetArraySize(root) == 1 &&
        (cJSON_IsArray(json_member(root->child, "models", "data"))))
        root = list = root->child;
    if (cJSON_IsObject(root)) {
        list = json_member(root, "models", NULL);
        by_id = !list;
        if (by_id)
            list = json_member(root, "data", NULL);
    }
    if (!cJSON_IsArray(list))
        return failure_set(reader->failure, -EBADMSG,
                           "What the API gave as its list of models is none.");
    error = find_next(reader, root, &next);
    if (!error)
        error = read_entries(reader, list, by_id);
    if (!error)
        reader->offer->next = steal_ptr(next);
    return error;
}

/* Strings that are too long for the skeleton are no names of models. */
static int drop_open(void *context, unsigned part, enum lift_encoding encoding)
{
    (void)context;
    (void)part;
    (void)encoding;
    return 0;
}

static int drop_write(void *context, unsigned part, const void *data, size_t length)
{
    (void)context;
    (void)part;
    (void)data;
    (void)length;
    return 0;
}

static int drop_close(void *context, unsigned part, const struct lift_part *info)
{
    (void)context;
    (void)part;
    (void)info;
    return 0;
}

static int read_lifted(const struct reader *reader, struct lift *lift, int error)
{
    struct lift_result result;
    cleanup_json cJSON *root = NULL;
    int finish_error = lift_finish(lift, &result);

    if (error == -ENOMEM || finish_error)
        return -ENOMEM;
    if (error)
        return failure_set(reader->failure, -EBADMSG,
                           "What the API gave as its list of models is none.");
    if (result.verdict == LIFT_CUT)
        return failure_set(reader->failure, -EBADMSG,
                           "The API's list of models broke off before it was complete.");
    if (result.verdict != LIFT_WHOLE)
        return failure_set(reader->failure, -EBADMSG,
                           "What the API gave as its list of models is not JSON.");
    root = json_parse(result.skeleton, result.skeleton_length);
    return root ? read_root(reader, root) : -ENOMEM;
}

int model_list_read(const char *body, size_t length, const char *key, bool google,
                    struct model_offer *offer, struct failure *failure)
{
    static const struct lift_sink sink = {NULL, drop_open, drop_write, drop_close};
    const struct lift_limits limits = {.skeleton_bytes = 2 * MODEL_LIST_PAGE_MAX};
    const struct reader reader = {key, google, offer, failure};
    struct lift *lift = NULL;
    int error;

    free(offer->next);
    offer->next = NULL;
    if (length > MODEL_LIST_PAGE_MAX)
        return failure_set(failure, -E2BIG,
                           "A page of the API's list of models is larger than %zu bytes.",
                           MODEL_LIST_PAGE_MAX);
    error = lift_create(&sink, &limits, &lift);
    if (!error)
        error = read_lifted(&reader, lift, lift_feed(lift, body, length));
    lift_destroy(lift);
    return error == -ENOMEM ? failure_set_errno(failure, error, "models") : error;
}
