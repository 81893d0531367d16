/* SPDX-License-Identifier: MIT */
#include "standin/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "standin/base64.h"
#include "standin/json_check.h"
#include "standin/magic.h"
#include "standin/members.h"

#define MAX_LIST (1 << 20) /* of the lists of parts and roles, as text */

/* All that a reading needs, passed down as one. */
struct reading {
    const struct request_rules *rules;
    struct request *request;
    struct refusal *refusal;
};

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void append_name(struct text *list, const char *name)
{
    text_puts(list, list->length ? "," : "[");
    text_json(list, name);
}

static int add_text(struct reading *reading, const char *text)
{
    struct request *request = reading->request;
    size_t before = request->prompt ? strlen(request->prompt) + 1 : 0;
    size_t length = strlen(text);
    char *prompt = realloc(request->prompt, before + length + 1);

    if (!prompt)
        return -ENOMEM;
    if (before)
        prompt[before - 1] = '\n';
    memcpy(prompt + before, text, length + 1);
    request->prompt = prompt;
    return 0;
}

static int add_reference(struct reading *reading, const char *mime, struct blob *bytes)
{
    struct request *request = reading->request;
    struct reference *references =
        reallocarray(request->references, request->reference_count + 1, sizeof(*references));
    struct reference *reference;

    if (!references) {
        blob_unref(bytes);
        return -ENOMEM;
    }
    request->references = references;
    reference = &references[request->reference_count++];
    strncpy(reference->mime, mime, sizeof(reference->mime) - 1);
    reference->mime[sizeof(reference->mime) - 1] = '\0';
    reference->bytes = bytes;
    sha256_hex(blob_data(bytes), blob_size(bytes), reference->sha256);
    return 0;
}

static int read_inline_data(struct reading *reading, cJSON *inline_data)
{
    struct refusal *refusal = reading->refusal;
    const char *mime = cJSON_GetStringValue(member(inline_data, "mimeType"));
    cJSON *data = cJSON_GetObjectItemCaseSensitive(inline_data, "data");
    size_t max = reading->rules->profile->max_references;
    const char *actual;
    struct blob *bytes;
    int error =
        members_check(inline_data, MEMBERS_INLINE_DATA, "contents.parts.inline_data", refusal);

    if (error)
        return error;
    if (!mime || !data)
        return refuse(refusal, 400, "inline_data needs mimeType and data");
    if (!magic_is_accepted(mime))
        return refuse(refusal, 400, "Unsupported MIME type: %.60s", mime);
    if (max && reading->request->reference_count == max)
        return refuse(refusal, 400, "Too many images: this model takes at most %zu", max);
    error = base64_decode(data->valuestring, strlen(data->valuestring), &bytes);
    if (error == -EINVAL)
        return refuse(refusal, 400,
                      "Invalid value at 'contents.parts.inline_data.data' (TYPE_BYTES), Base64 "
                      "decoding failed");
    if (error)
        return error;
    actual = magic_mime(blob_data(bytes), blob_size(bytes));
    if (!actual || strcmp(actual, mime) != 0) {
        blob_unref(bytes);
        return refuse(refusal, 400,
                      "Unable to process input image: labelled %s, but its bytes are %s", mime,
                      actual ? actual : "no picture that is supported");
    }
    cJSON_DeleteItemFromObjectCaseSensitive(inline_data, "data");
    return add_reference(reading, mime, bytes);
}

static int read_part(struct reading *reading, cJSON *part)
{
    static const char *const kinds[] = {"text", "inlineData", "fileData"};
    const char *kind = NULL;
    int error = members_check(part, MEMBERS_PART, "contents.parts", reading->refusal);

    if (error)
        return error;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!member(part, kinds[i]))
            continue;
        if (kind)
            return refuse(reading->refusal, 400, "A part has both %s and %s", kind, kinds[i]);
        kind = kinds[i];
    }
    if (!kind)
        return refuse(reading->refusal, 400, "Unable to submit request: a part has no data");
    append_name(&reading->request->parts, kind);
    if (!strcmp(kind, "text"))
        return add_text(reading, member(part, "text")->valuestring);
    if (!strcmp(kind, "inlineData"))
        return read_inline_data(reading, cJSON_GetObjectItemCaseSensitive(part, "inlineData"));
    return members_check(member(part, "fileData"), MEMBERS_FILE_DATA, "contents.parts.file_data",
                         reading->refusal);
}

static int read_content(struct reading *reading, const cJSON *content)
{
    const char *role;
    const cJSON *parts;
    cJSON *part;
    int error = members_check(content, MEMBERS_CONTENT, "contents", reading->refusal);

    if (error)
        return error;
    role = cJSON_GetStringValue(member(content, "role"));
    append_name(&reading->request->roles, role);
    if (role && strcmp(role, "user") != 0 && strcmp(role, "model") != 0)
        return refuse(reading->refusal, 400, "Please use a valid role: user, model.");
    parts = member(content, "parts");
    if (!parts || !parts->child)
        return refuse(reading->refusal, 400,
                      "Unable to submit request because it must have at least one part");
    cJSON_ArrayForEach(part, parts)
    {
        error = read_part(reading, part);
        if (error)
            return error;
    }
    return 0;
}

static int read_contents(struct reading *reading, const cJSON *contents)
{
    const char *prompt;
    const cJSON *content;
    int error = 0;

    if (!contents || !contents->child)
        return refuse(reading->refusal, 400,
                      "* GenerateContentRequest.contents: contents is not specified");
    cJSON_ArrayForEach(content, contents)
    {
        error = read_content(reading, content);
        if (error)
            return error;
    }
    prompt = reading->request->prompt;
    if ((!prompt || !prompt[strspn(prompt, " \t\r\n")]) && !reading->request->reference_count)
        return refuse(reading->refusal, 400, "Unable to submit request because it has no text");
    return 0;
}

static int read_image_config(struct reading *reading, const cJSON *config)
{
    const struct profile *profile = reading->rules->profile;
    struct request *request = reading->request;
    int error = members_check(config, MEMBERS_IMAGE_CONFIG, "generation_config.image_config",
                              reading->refusal);

    if (error)
        return error;
    request->ratio = cJSON_GetStringValue(member(config, "aspectRatio"));
    request->size = cJSON_GetStringValue(member(config, "imageSize"));
    if (request->ratio && !model_takes_ratio(profile, request->ratio)) {
        error = refuse(reading->refusal, 400,
                       "Invalid aspect_ratio: \"%.40s\" is not supported by this model",
                       request->ratio);
        request->ratio = NULL;
    }
    if (request->size && !model_takes_size(profile, request->size)) {
        error =
            refuse(reading->refusal, 400,
                   "Invalid image_size: \"%.40s\" is not supported by this model", request->size);
        request->size = NULL;
    }
    return error;
}

static int read_modalities(struct reading *reading, const cJSON *modalities)
{
    const cJSON *modality;

    reading->request->wants_words = false;
    reading->request->wants_picture = false;
    cJSON_ArrayForEach(modality, modalities)
    {
        const char *name = cJSON_GetStringValue(modality);

        if (name && !strcmp(name, "IMAGE"))
            reading->request->wants_picture = true;
        else if (name && !strcmp(name, "TEXT"))
            reading->request->wants_words = true;
        else
            return refuse(reading->refusal, 400,
                          "Invalid value at 'generation_config.response_modalities'");
    }
    if (!modalities->child)
        reading->request->wants_words = reading->request->wants_picture = true;
    return 0;
}

static int read_config(struct reading *reading, const cJSON *config)
{
    const cJSON *seed;
    int error;

    if (reading->rules->require_image_config && !member(config, "imageConfig"))
        return refuse(reading->refusal, 400, "generationConfig.imageConfig is required");
    if (!config)
        return 0;
    error = members_check(config, MEMBERS_GENERATION_CONFIG, "generation_config", reading->refusal);
    if (error)
        return error;
    seed = member(config, "seed");
    if (seed)
        reading->request->seed = (int64_t)seed->valuedouble & 0xffffffff;
    if (member(config, "responseModalities")) {
        error = read_modalities(reading, member(config, "responseModalities"));
        if (error)
            return error;
    }
    if (!member(config, "imageConfig"))
        return 0;
    return read_image_config(reading, member(config, "imageConfig"));
}

static int read_system_instruction(struct reading *reading, const cJSON *instruction)
{
    const cJSON *part;
    int error = members_check(instruction, MEMBERS_CONTENT, "system_instruction", reading->refusal);

    if (error)
        return error;
    cJSON_ArrayForEach(part, member(instruction, "parts"))
    {
        error = members_check(part, MEMBERS_PART, "system_instruction.parts", reading->refusal);
        if (error)
            return error;
        if (!member(part, "text"))
            return refuse(reading->refusal, 400, "system_instruction takes text only");
    }
    return 0;
}

/* Contents come first although later members may be wrong too: the log wants the prompt. */
static int read_root(struct reading *reading)
{
    const cJSON *root = reading->request->root;
    int error = members_check(root, MEMBERS_REQUEST, "request", reading->refusal);

    if (!error)
        error = read_contents(reading, member(root, "contents"));
    if (!error)
        error = read_config(reading, member(root, "generationConfig"));
    if (!error && member(root, "systemInstruction"))
        error = read_system_instruction(reading, member(root, "systemInstruction"));
    if (!error)
        error = members_check_safety(member(root, "safetySettings"), reading->refusal);
    return error;
}

int request_read(const char *text, size_t length, const struct request_rules *rules,
                 struct request *ret_request, struct refusal *ret_refusal)
{
    struct reading reading = {rules, ret_request, ret_refusal};
    const char *fault;
    size_t offset;
    int error;

    *ret_request = (struct request){.wants_words = true, .wants_picture = true, .seed = -1};
    text_init(&ret_request->parts, MAX_LIST);
    text_init(&ret_request->roles, MAX_LIST);
    fault = json_check(text, length, &offset);
    if (fault)
        return refuse(ret_refusal, 400, "Invalid JSON payload received. At byte %zu: %s.", offset,
                      fault);
    ret_request->root = cJSON_ParseWithLength(text, length);
    if (!ret_request->root)
        return -ENOMEM;
    error = read_root(&reading);
    text_puts(&ret_request->parts, ret_request->parts.length ? "]" : "[]");
    text_puts(&ret_request->roles, ret_request->roles.length ? "]" : "[]");
    return error;
}

void request_fini(struct request *request)
{
    for (size_t i = 0; i < request->reference_count; i++)
        blob_unref(request->references[i].bytes);
    free(request->references);
    free(request->prompt);
    text_fini(&request->parts);
    text_fini(&request->roles);
    cJSON_Delete(request->root);
    *request = (struct request){0};
}
