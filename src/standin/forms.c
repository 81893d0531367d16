/* SPDX-License-Identifier: MIT */
#include "standin/forms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin/base64.h"
#include "standin/noise.h"
#include "standin/sparse.h"

#define SIGNATURE_BYTES 176 /* usual length of a thoughtSignature */

static int word(const struct contents *contents, enum directive_name name, int fallback)
{
    return directive_word(contents->order->directives, name, fallback);
}

static int form_of(const struct contents *contents)
{
    return word(contents, D_FORM, FORM_INLINE);
}

int contents_create(const struct order *order, struct contents **ret_contents)
{
    struct contents *contents = calloc(1, sizeof(*contents));

    if (!contents)
        return -ENOMEM;
    contents->order = order;
    document_init(&contents->document);
    contents->parts = cJSON_CreateArray();
    contents->pictures = cJSON_CreateArray();
    *ret_contents = contents;
    return 0;
}

void contents_destroy(struct contents *contents)
{
    if (!contents)
        return;
    cJSON_Delete(contents->parts);
    cJSON_Delete(contents->pictures);
    free(contents->words);
    document_fini(&contents->document);
    free(contents);
}

/* What a parser must step over: members nobody knows, with strings that look like something. */
static void add_unknown(const struct contents *contents, cJSON *object)
{
    cJSON *unknown;
    cJSON *list;

    if (!directive_number(contents->order->directives, D_UNKNOWN_MEMBERS, 0))
        return;
    unknown = cJSON_AddObjectToObject(object, "xFuture");
    list = cJSON_AddArrayToObject(unknown, "inlineDatas");
    cJSON_AddItemToArray(list, cJSON_CreateNumber(-1.5e-7));
    cJSON_AddItemToArray(list, cJSON_CreateNull());
    cJSON_AddItemToArray(list,
                         cJSON_CreateString("iVBORw0KGgo=, https://standin.example/\"\\\u00e9"));
    cJSON_AddItemToArray(list, cJSON_CreateObject());
    cJSON_AddItemToArray(list, cJSON_CreateArray());
    cJSON_AddTrueToObject(unknown, "data");
}

/* The usual length by default; base64's alphabet in either case. */
static int add_signature(struct contents *contents, cJSON *part)
{
    const struct order *order = contents->order;
    bool thinks = model_profile(order->model)->thinks;
    size_t size = (size_t)directive_number(order->directives, D_SIGNATURE_BYTES,
                                           thinks ? SIGNATURE_BYTES : 0);
    struct blob *noise;
    struct blob *text;
    int error;

    if (!size)
        return 0;
    error = noise_random((size + 3) / 4 * 3, order->number, &noise);
    if (error)
        return error;
    error = base64_spell(noise, 0, &text);
    blob_unref(noise);
    if (error)
        return error;
    cJSON_AddItemToObject(part, "thoughtSignature",
                          document_long(&contents->document, "", text, ""));
    blob_unref(text);
    return 0;
}

bool contents_add_words(struct contents *contents, const char *words, struct blob *blob,
                        bool thought)
{
    cJSON *part = cJSON_CreateObject();

    if (blob)
        cJSON_AddItemToObject(part, "text", document_long(&contents->document, words, blob, ""));
    else
        cJSON_AddStringToObject(part, "text", words);
    if (thought)
        cJSON_AddTrueToObject(part, "thought");
    else if (!contents->words)
        contents->words = strdup(words);
    add_unknown(contents, part);
    return cJSON_AddItemToArray(contents->parts, part);
}

/* A picture on its way into a part: its base64 with a prefix and suffix, or a URL. */
struct shown {
    const struct picture *picture;
    const char *label;
    char data_uri[128]; /* what stands before the base64 of a data: URI */
    char url[GALLERY_URL_SIZE];
};

static cJSON *long_string(struct contents *contents, const struct shown *shown, const char *prefix,
                          const char *suffix)
{
    return document_long(&contents->document, prefix, shown->picture->base64, suffix);
}

/* {"inlineData":{"mimeType":..,"data":DATA}} in either spelling. */
static void put_inline(cJSON *part, const struct shown *shown, bool snake, cJSON *data)
{
    cJSON *inline_data = cJSON_AddObjectToObject(part, snake ? "inline_data" : "inlineData");

    cJSON_AddStringToObject(inline_data, snake ? "mime_type" : "mimeType", shown->label);
    cJSON_AddItemToObject(inline_data, "data", data);
}

static void put_file(cJSON *part, const struct shown *shown, bool snake)
{
    cJSON *file_data = cJSON_AddObjectToObject(part, snake ? "file_data" : "fileData");

    cJSON_AddStringToObject(file_data, snake ? "mime_type" : "mimeType", shown->label);
    cJSON_AddStringToObject(file_data, snake ? "file_uri" : "fileUri", shown->url);
}

static void put_markdown(struct contents *contents, cJSON *part, const struct shown *shown,
                         bool url)
{
    char text[GALLERY_URL_SIZE + 64];

    if (url) {
        snprintf(text, sizeof(text), "Here it is:\n\n![image](%s)\n", shown->url);
        cJSON_AddStringToObject(part, "text", text);
        return;
    }
    snprintf(text, sizeof(text), "Here it is:\n\n![image](%s", shown->data_uri);
    cJSON_AddItemToObject(part, "text", long_string(contents, shown, text, ")\n"));
}

/* Fill a part as the form wants it. */
static void put_picture(struct contents *contents, cJSON *part, const struct shown *shown, int form)
{
    switch (form) {
    case FORM_INLINE_SNAKE:
        put_inline(part, shown, true, long_string(contents, shown, "", ""));
        break;
    case FORM_DATA_URI:
        put_inline(part, shown, false, long_string(contents, shown, shown->data_uri, ""));
        break;
    case FORM_URL:
        put_inline(part, shown, false, cJSON_CreateString(shown->url));
        break;
    case FORM_FILE_DATA:
    case FORM_FILE_DATA_SNAKE:
        put_file(part, shown, form == FORM_FILE_DATA_SNAKE);
        break;
    case FORM_PART_URL:
        cJSON_AddStringToObject(part, "url", shown->url);
        break;
    case FORM_MARKDOWN_DATA:
    case FORM_MARKDOWN_URL:
        put_markdown(contents, part, shown, form == FORM_MARKDOWN_URL);
        break;
    default:
        put_inline(part, shown, false, long_string(contents, shown, "", ""));
    }
}

/* OpenAI's forms list the pictures apart. */
static void list_picture(struct contents *contents, const struct shown *shown, int form)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON *url;

    if (form == FORM_OPENAI_B64) {
        cJSON_AddItemToObject(entry, "b64_json", long_string(contents, shown, "", ""));
    } else if (form == FORM_OPENAI_URL) {
        cJSON_AddStringToObject(entry, "url", shown->url);
    } else {
        cJSON_AddStringToObject(entry, "type", "image_url");
        url = cJSON_AddObjectToObject(entry, "image_url");
        if (form == FORM_OPENAI_CHAT)
            cJSON_AddItemToObject(url, "url", long_string(contents, shown, shown->data_uri, ""));
        else
            cJSON_AddStringToObject(url, "url", shown->url);
    }
    cJSON_AddItemToArray(contents->pictures, entry);
}

static bool needs_url(int form)
{
    return form == FORM_URL || form == FORM_FILE_DATA || form == FORM_FILE_DATA_SNAKE ||
           form == FORM_PART_URL || form == FORM_MARKDOWN_URL || form == FORM_OPENAI_URL ||
           form == FORM_OPENAI_CHAT_URL;
}

static bool is_openai(int form)
{
    return form == FORM_OPENAI_B64 || form == FORM_OPENAI_URL || form == FORM_OPENAI_CHAT ||
           form == FORM_OPENAI_CHAT_URL;
}

int contents_add_picture(struct contents *contents, const struct picture *picture, bool thought)
{
    const struct order *order = contents->order;
    int form = thought ? FORM_INLINE : form_of(contents);
    struct shown shown = {.picture = picture,
                          .label = directive_text(order->directives, D_LABEL, picture->mime)};
    cJSON *part;
    int error = 0;

    if (needs_url(form))
        error = gallery_add(order->gallery, picture, order->directives, order->origin, shown.url);
    if (error)
        return error;
    snprintf(shown.data_uri, sizeof(shown.data_uri), "data:%s;base64,", shown.label);
    if (!thought)
        contents->picture_count++;
    if (is_openai(form)) {
        list_picture(contents, &shown, form);
        return contents->document.error;
    }
    part = cJSON_CreateObject();
    put_picture(contents, part, &shown, form);
    if (thought)
        cJSON_AddTrueToObject(part, "thought");
    else
        error = add_signature(contents, part);
    add_unknown(contents, part);
    cJSON_AddItemToArray(contents->parts, part);
    return error ? error : contents->document.error;
}

static void add_detail(cJSON *usage, const char *name, const char *modality, double tokens)
{
    cJSON *list = cJSON_AddArrayToObject(usage, name);
    cJSON *detail = cJSON_CreateObject();

    cJSON_AddStringToObject(detail, "modality", modality);
    cJSON_AddNumberToObject(detail, "tokenCount", tokens);
    cJSON_AddItemToArray(list, detail);
}

static void add_usage(const struct contents *contents, cJSON *root)
{
    const struct request *request = contents->order->request;
    int usage_word = word(contents, D_USAGE, USAGE_FULL);
    double prompt = (double)strlen(contents->order->text) / 4 + 1;
    double pictures = 1120.0 * (double)contents->picture_count;
    double thoughts = model_profile(contents->order->model)->thinks ? 120 : 0;
    cJSON *usage;

    if (usage_word == USAGE_NULL)
        cJSON_AddNullToObject(root, "usageMetadata");
    if (usage_word != USAGE_FULL)
        return;
    prompt = (double)(int64_t)prompt + 258.0 * (double)request->reference_count;
    usage = cJSON_AddObjectToObject(root, "usageMetadata");
    cJSON_AddNumberToObject(usage, "promptTokenCount", prompt);
    cJSON_AddNumberToObject(usage, "candidatesTokenCount", pictures);
    cJSON_AddNumberToObject(usage, "totalTokenCount", prompt + pictures + thoughts);
    add_detail(usage, "promptTokensDetails", "TEXT", prompt);
    add_detail(usage, "candidatesTokensDetails", "IMAGE", pictures);
    if (thoughts > 0)
        cJSON_AddNumberToObject(usage, "thoughtsTokenCount", thoughts);
    cJSON_AddStringToObject(usage, "trafficType", "ON_DEMAND");
}

static void add_version(const struct contents *contents, cJSON *root)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[64];

    cJSON_AddStringToObject(root, "modelVersion", contents->order->model);
    snprintf(text, sizeof(text), "standin-%08llu", (unsigned long long)contents->order->number);
    cJSON_AddStringToObject(root, "responseId", text);
    gmtime_r(&now, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    cJSON_AddStringToObject(root, "createTime", text);
}

static void add_ratings(cJSON *object, bool blocked)
{
    cJSON *list = cJSON_AddArrayToObject(object, "safetyRatings");
    cJSON *rating = cJSON_CreateObject();

    cJSON_AddStringToObject(rating, "category", "HARM_CATEGORY_DANGEROUS_CONTENT");
    cJSON_AddStringToObject(rating, "probability", blocked ? "HIGH" : "NEGLIGIBLE");
    if (blocked)
        cJSON_AddTrueToObject(rating, "blocked");
    cJSON_AddItemToArray(list, rating);
}

/* Add the member `content` with @parts, which it takes over. */
static void add_content(struct contents *contents, cJSON *candidate, cJSON *parts)
{
    int no_picture = word(contents, D_NO_PICTURE, 0);
    cJSON *content;

    if (no_picture == NO_PICTURE_NO_CONTENT) {
        cJSON_Delete(parts);
        return;
    }
    content = cJSON_AddObjectToObject(candidate, "content");
    if (no_picture == NO_PICTURE_NULL_PARTS)
        cJSON_AddNullToObject(content, "parts");
    if (parts->child || no_picture == NO_PICTURE_EMPTY_PARTS)
        cJSON_AddItemToObject(content, "parts", parts);
    else
        cJSON_Delete(parts);
    cJSON_AddStringToObject(content, "role", "model");
}

/* One candidate with @parts, which it takes over; the last chunk says how it ended. */
static cJSON *make_candidate(struct contents *contents, cJSON *parts, bool last)
{
    cJSON *candidate = cJSON_CreateObject();

    add_content(contents, candidate, parts);
    if (last) {
        cJSON_AddStringToObject(candidate, "finishReason", contents->finish_reason);
        if (contents->finish_message)
            cJSON_AddStringToObject(candidate, "finishMessage", contents->finish_message);
    }
    cJSON_AddNumberToObject(candidate, "index", 0);
    if (contents->finish_message && last)
        add_ratings(candidate, true);
    add_unknown(contents, candidate);
    return candidate;
}

static void add_block(const struct contents *contents, cJSON *root)
{
    const struct directives *directives = contents->order->directives;
    const char *reason = directive_text(directives, D_CODE, "PROHIBITED_CONTENT");
    const char *message = directive_text(directives, D_MESSAGE, NULL);
    cJSON *feedback = cJSON_AddObjectToObject(root, "promptFeedback");

    reason = directive_text(directives, D_NO_PICTURE, reason);
    cJSON_AddStringToObject(feedback, "blockReason", reason);
    if (message)
        cJSON_AddStringToObject(feedback, "blockReasonMessage", message);
    add_ratings(feedback, true);
}

/* One response with @parts, which it takes over. */
static cJSON *make_response(struct contents *contents, cJSON *parts, bool last)
{
    int no_picture = word(contents, D_NO_PICTURE, 0);
    cJSON *root = cJSON_CreateObject();
    bool candidates = no_picture < NO_PICTURE_NO_CANDIDATES && no_picture != NO_PICTURE_BLOCKED;

    if (no_picture == NO_PICTURE_CANDIDATES_NULL)
        cJSON_AddNullToObject(root, "candidates");
    if (no_picture == NO_PICTURE_EMPTY_CANDIDATES)
        cJSON_AddArrayToObject(root, "candidates");
    if (candidates)
        cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "candidates"),
                             make_candidate(contents, parts, last));
    else
        cJSON_Delete(parts);
    if (no_picture == NO_PICTURE_BLOCKED)
        add_block(contents, root);
    if (last)
        add_usage(contents, root);
    add_version(contents, root);
    add_unknown(contents, root);
    return root;
}

/* All of @list, or an array of its first item, where the list is then left with the rest. */
static cJSON *take(cJSON **list, bool one)
{
    cJSON *taken = *list;
    cJSON *item;

    if (!one) {
        *list = NULL;
        return taken;
    }
    taken = cJSON_CreateArray();
    item = cJSON_DetachItemFromArray(*list, 0);
    if (item)
        cJSON_AddItemToArray(taken, item);
    return taken;
}

/* OpenAI's forms take @pictures over, too. */
static cJSON *make_openai_images(struct contents *contents, cJSON *pictures)
{
    cJSON *root = cJSON_CreateObject();

    cJSON_AddNumberToObject(root, "created", (double)time(NULL));
    cJSON_AddItemToObject(root, "data", pictures);
    add_unknown(contents, root);
    return root;
}

static cJSON *make_openai_chat(struct contents *contents, cJSON *pictures, bool last)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *choice = cJSON_CreateObject();
    cJSON *message;

    cJSON_AddStringToObject(root, "id", "chatcmpl-standin");
    cJSON_AddStringToObject(root, "object", "chat.completion");
    cJSON_AddStringToObject(root, "model", contents->order->model);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "choices"), choice);
    cJSON_AddNumberToObject(choice, "index", 0);
    message = cJSON_AddObjectToObject(choice, "message");
    cJSON_AddStringToObject(message, "role", "assistant");
    cJSON_AddStringToObject(message, "content", last && contents->words ? contents->words : "");
    cJSON_AddItemToObject(message, "images", pictures);
    if (last)
        cJSON_AddStringToObject(choice, "finish_reason", "stop");
    add_unknown(contents, root);
    return root;
}

/* The body, or its next element where it is one per part. */
static cJSON *make_root(struct contents *contents, bool one, bool *ret_last)
{
    int form = form_of(contents);
    cJSON **list = is_openai(form) ? &contents->pictures : &contents->parts;
    cJSON *taken = take(list, one);

    *ret_last = !*list || !(*list)->child;
    switch (form) {
    case FORM_OPENAI_B64:
    case FORM_OPENAI_URL:
        return make_openai_images(contents, taken);
    case FORM_OPENAI_CHAT:
    case FORM_OPENAI_CHAT_URL:
        return make_openai_chat(contents, taken, *ret_last);
    default:
        return make_response(contents, taken, *ret_last);
    }
}

int contents_write(struct contents *contents, struct answer *answer)
{
    const struct document_style style = {
        .pretty = word(contents, D_JSON, JSON_COMPACT) == JSON_PRETTY,
        .reversed = word(contents, D_ORDER, ORDER_USUAL) == ORDER_REVERSED};
    bool chunks = word(contents, D_WRAP, 0) == WRAP_CHUNKS;
    bool last = false;
    int error = contents->parts && contents->pictures ? 0 : -ENOMEM;

    while (!error && !last) {
        cJSON_Delete(contents->document.root);
        contents->document.root = make_root(contents, chunks, &last);
        sparse_apply(contents->document.root,
                     directive_number(contents->order->directives, D_MEMBERS, 0));
        error = document_write(&contents->document, &style, &answer->body);
        if (!last)
            body_add(&answer->body, ",", 1);
    }
    return error ? error : answer_header(answer, "Content-Type", "application/json; charset=UTF-8");
}
