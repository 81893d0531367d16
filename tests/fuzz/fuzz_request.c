/* SPDX-License-Identifier: MIT
 *
 * A request made of any prompt, settings and references is refused or is JSON that says the same.
 */
#include <cjson/cJSON.h>
#include <errno.h>

#include "api/base64.h"
#include "api/request.h"
#include "fuzz_common.h"

#define KEPT ((size_t)4)

struct file {
    const uint8_t *data;
    size_t size;
    size_t step;
};

static int64_t read_file(void *ctx, size_t index, uint64_t offset, void *buffer, size_t size)
{
    const struct file *file = (const struct file *)ctx + index;
    size_t left = file->size - (size_t)offset;

    if (file->step && size > file->step)
        size = file->step;
    size = left < size ? left : size;
    if (size)
        memcpy(buffer, file->data + offset, size);
    return (int64_t)size;
}

static const cJSON *at(const cJSON *node, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(node, name);

    CHECK(member);
    return member;
}

static void check_text(const cJSON *part, const char *text)
{
    CHECK(cJSON_IsString(at(part, "text")));
    CHECK(!strcmp(at(part, "text")->valuestring, text));
}

static void check_reference(const cJSON *part, const struct file *file)
{
    const cJSON *data = at(at(part, "inlineData"), "data");
    struct base64_decoder decoder;
    size_t length = strlen(data->valuestring);
    unsigned char *bytes = malloc(BASE64_DECODE_ROOM(length));
    size_t decoded;

    CHECK(bytes);
    base64_decode_start(&decoder);
    decoded = base64_decode(&decoder, data->valuestring, length, bytes);
    decoded += base64_decode_finish(&decoder, bytes + decoded);
    CHECK(!decoder.damaged && decoded == file->size);
    CHECK(!decoded || !memcmp(bytes, file->data, decoded));
    free(bytes);
}

static void check_body(const struct buf *body, const char *prompt, const struct settings *settings,
                       const struct file *files, size_t file_count)
{
    cJSON *root = cJSON_ParseWithLengthOpts(body->data, body->length + 1, NULL, true);
    const cJSON *parts;
    const cJSON *config;
    const char *instruction = settings->value[SETTING_SYSTEM_INSTRUCTION];
    const char *ratio = settings->value[SETTING_ASPECT_RATIO];

    CHECK(root);
    CHECK(cJSON_GetArraySize(at(root, "contents")) == 1);
    parts = at(at(root, "contents")->child, "parts");
    CHECK((size_t)cJSON_GetArraySize(parts) == file_count + 1);
    check_text(parts->child, prompt);
    for (size_t i = 0; i < file_count; i++)
        check_reference(cJSON_GetArrayItem(parts, (int)i + 1), &files[i]);
    config = at(root, "generationConfig");
    CHECK(cJSON_IsArray(at(config, "responseModalities")));
    CHECK(cJSON_IsObject(at(config, "imageConfig")));
    CHECK(!settings->value[SETTING_TEMPERATURE] || !*settings->value[SETTING_TEMPERATURE] ||
          cJSON_IsNumber(at(config, "temperature")));
    if (instruction && *instruction)
        check_text(at(at(root, "systemInstruction"), "parts")->child, instruction);
    if (ratio && *ratio)
        CHECK(!strcmp(at(at(config, "imageConfig"), "aspectRatio")->valuestring, ratio));
    cJSON_Delete(root);
}

static void check_request(struct request *request, const char *prompt,
                          const struct settings *settings, const struct file *files,
                          size_t file_count, size_t step)
{
    struct buf body;
    char *buffer = malloc(step);
    int64_t length;

    CHECK(buffer);
    buf_init(&body, 64 << 20);
    while ((length = request_read(request, buffer, step)) > 0)
        CHECK(!buf_append(&body, buffer, (size_t)length));
    CHECK(length == 0);
    CHECK(request_is_complete(request));
    CHECK(body.length == request_length(request));
    check_body(&body, prompt, settings, files, file_count);
    buf_fini(&body);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    size_t step = (size_t)input_byte(&input) * 16 + 1;
    size_t file_count = input_byte(&input) % (KEPT + 1);
    struct settings settings = {{NULL}};
    struct request_reference references[KEPT];
    struct file files[KEPT];
    const struct request_source source = {files, read_file};
    struct request *request = NULL;
    char *url = NULL;
    char *prompt;
    int error;

    for (int i = 0; i < SETTING_MAX; i++)
        settings.value[i] = input_byte(&input) & 1 ? input_text(&input, 64) : NULL;
    prompt = input_text(&input, 1024);
    for (size_t i = 0; i < file_count; i++) {
        size_t length = i + 1 < file_count ? input.size / (file_count - i) : input.size;
        files[i] = (struct file){input.data, length, step % 7};
        references[i] = (struct request_reference){"image/png", length};
        input.data += length;
        input.size -= length;
    }
    error = request_create(prompt, &settings, references, file_count, &source, &request);
    CHECK(error == 0 || error == -EINVAL || error == -EILSEQ);
    if (!error)
        check_request(request, prompt, &settings, files, file_count, step);
    request_destroy(request);
    if (!request_url("https://host/", prompt, &url))
        CHECK(
            strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%:/") ==
            strlen(url));
    free(url);
    free(prompt);
    for (int i = 0; i < SETTING_MAX; i++)
        free(settings.value[i]);
    return 0;
}
