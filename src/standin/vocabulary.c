/* SPDX-License-Identifier: MIT
 *
 * Every directive there is. directive.c says where directives are written and how; this is the
 * list, with what each does, and `easelfs-standin --help` prints it.
 */
#include "standin/vocabulary.h"

#define HOUR_MS   3600000
#define MAX_BYTES (256 << 20)

static const struct word picture_words[] = {
    [PICTURE_PNG] = {.name = "png"},
    [PICTURE_JPEG] = {.name = "jpeg"},
    [PICTURE_WEBP] = {.name = "webp", .help = "one colour"},
    [PICTURE_GIF] = {.name = "gif", .help = "one colour"},
    [PICTURE_TEXT] = {.name = "text", .help = "plain text: no picture at all"},
    [PICTURE_HTML] = {.name = "html", .help = "a page instead of a picture"},
    [PICTURE_SVG] = {.name = "svg"},
    [PICTURE_RANDOM] = {.name = "random", .help = "noise, picture_bytes long or 4096"},
    [PICTURE_EMPTY] = {.name = "empty", .help = "no byte"},
    [PICTURE_BOMB] = {.name = "bomb", .help = "a tiny PNG that says 65535x65535"},
    {0}};

static const struct word no_picture_words[] = {
    [NO_PICTURE_WORDS_ONLY] = {.name = "words_only", .help = "a text part, finishReason STOP"},
    [NO_PICTURE_SAFETY] = {.name = "safety", .help = "finishReason SAFETY, content without parts"},
    [NO_PICTURE_BLOCKED] = {.name = "blocked",
                            .argument = ARGUMENT_OPTIONAL,
                            .help = "promptFeedback.blockReason, no candidates"},
    [NO_PICTURE_EMPTY_PARTS] = {.name = "empty_parts"},
    [NO_PICTURE_NULL_PARTS] = {.name = "null_parts"},
    [NO_PICTURE_NO_CONTENT] = {.name = "no_content"},
    [NO_PICTURE_NO_CANDIDATES] = {.name = "no_candidates"},
    [NO_PICTURE_EMPTY_CANDIDATES] = {.name = "empty_candidates"},
    [NO_PICTURE_CANDIDATES_NULL] = {.name = "candidates_null"},
    [NO_PICTURE_ERROR_IN_200] = {.name = "error_in_200",
                                 .argument = ARGUMENT_DEFAULT,
                                 .fallback = 500,
                                 .min = 200,
                                 .max = 599,
                                 .help = "that of status=N; shape and text as there"},
    [NO_PICTURE_EMPTY_BODY] = {.name = "empty_body"},
    [NO_PICTURE_EMPTY_OBJECT] = {.name = "empty_object"},
    [NO_PICTURE_EMPTY_ARRAY] = {.name = "empty_array"},
    [NO_PICTURE_NULL] = {.name = "null"},
    [NO_PICTURE_NOT_JSON] = {.name = "not_json", .help = "an HTML page with status 200"},
    {0}};

static const struct word form_words[] = {
    [FORM_INLINE] = {.name = "inline"},
    [FORM_INLINE_SNAKE] = {.name = "inline_snake"},
    [FORM_DATA_URI] = {.name = "data_uri", .help = "data:...;base64, within inlineData.data"},
    [FORM_URL] = {.name = "url", .help = "a URL within inlineData.data"},
    [FORM_FILE_DATA] = {.name = "file_data"},
    [FORM_FILE_DATA_SNAKE] = {.name = "file_data_snake"},
    [FORM_PART_URL] = {.name = "part_url"},
    [FORM_MARKDOWN_DATA] = {.name = "markdown_data"},
    [FORM_MARKDOWN_URL] = {.name = "markdown_url"},
    [FORM_OPENAI_B64] = {.name = "openai_b64"},
    [FORM_OPENAI_URL] = {.name = "openai_url"},
    [FORM_OPENAI_CHAT] = {.name = "openai_chat", .help = "choices[].message.images, data: URL"},
    [FORM_OPENAI_CHAT_URL] = {.name = "openai_chat_url"},
    {0}};

static const struct word base64_words[] = {
    [BASE64_PLAIN] = {.name = "plain"},
    [BASE64_URLSAFE] = {.name = "urlsafe"},
    [BASE64_UNPADDED] = {.name = "unpadded"},
    [BASE64_NEWLINES] = {.name = "newlines", .help = "\\n after every 76"},
    [BASE64_CRLF] = {.name = "crlf"},
    [BASE64_ESCAPED_SLASH] = {.name = "escaped_slash"},
    [BASE64_ESCAPED_UNICODE] = {.name = "escaped_unicode", .help = "\\u003d \\u002b \\u002f"},
    [BASE64_ESCAPED_ALL] = {.name = "escaped_all", .help = "every character as \\u00XX"},
    [BASE64_BROKEN] = {.name = "broken", .help = "an illegal character in the middle"},
    [BASE64_CUT] = {.name = "cut", .help = "of an impossible length"},
    {0}};

static const struct word json_words[] = {
    [JSON_COMPACT] = {.name = "compact"}, [JSON_PRETTY] = {.name = "pretty"}, {0}};

static const struct word order_words[] = {
    [ORDER_USUAL] = {.name = "usual"}, [ORDER_REVERSED] = {.name = "reversed"}, {0}};

static const struct word wrap_words[] = {
    [WRAP_ONE] = {.name = "one"},
    [WRAP_FIRST] = {.name = "first", .help = "before an element without a picture, and null"},
    [WRAP_LAST] = {.name = "last", .help = "behind an empty element and one with a null"},
    [WRAP_CHUNKS] = {.name = "chunks", .help = "one element per part, or per picture of OpenAI's"},
    {0}};

static const struct word members_words[] = {
    [MEMBERS_NULL] = {.name = "null"},
    [MEMBERS_EMPTY] = {.name = "empty", .help = "\"\", {}, [] or false; a number is null"},
    [MEMBERS_ABSENT] = {.name = "absent"},
    {0}};

static const struct word usage_words[] = {[USAGE_FULL] = {.name = "full"},
                                          [USAGE_NONE] = {.name = "none"},
                                          [USAGE_NULL] = {.name = "null"},
                                          {0}};

static const struct word url_words[] = {
    [URL_STATUS] = {.name = "status",
                    .argument = ARGUMENT_NUMBER,
                    .min = 200,
                    .max = 599,
                    .help = "also url=403, url=404"},
    [URL_REDIRECT] = {.name = "redirect", .argument = ARGUMENT_NUMBER, .help = "that many hops"},
    [URL_REDIRECT_TO] = {.name = "redirect_to", .argument = ARGUMENT_TEXT},
    [URL_HTML] = {.name = "html", .help = "status 200 and a page"},
    [URL_HUGE] = {.name = "huge",
                  .argument = ARGUMENT_DEFAULT,
                  .fallback = (int64_t)1 << 40,
                  .help = "chunked noise after a PNG signature"},
    [URL_SLOW] = {.name = "slow",
                  .argument = ARGUMENT_DEFAULT,
                  .fallback = 1000,
                  .help = "bytes per second"},
    [URL_TRUNCATE] = {.name = "truncate", .argument = ARGUMENT_NUMBER},
    [URL_CLOSE] = {.name = "close", .help = "no answer"},
    [URL_EXTERNAL] = {.name = "external",
                      .argument = ARGUMENT_TEXT,
                      .help = "this URL is given instead of ours"},
    {0}};

static const struct word error_words[] = {
    [ERROR_GOOGLE] = {.name = "google"},
    [ERROR_GATEWAY] = {.name = "gateway"},
    [ERROR_ARRAY] = {.name = "array", .help = "Google's, in an array"},
    [ERROR_STRING] = {.name = "string", .help = "{\"error\":\"code\",\"message\":..}"},
    [ERROR_SUCCESS_FALSE] = {.name = "success_false"},
    [ERROR_MSG] = {.name = "msg", .help = "{\"code\":429,\"msg\":..}"},
    [ERROR_NESTED] = {.name = "nested", .help = "Google's as a JSON string in a message"},
    [ERROR_HTML] = {.name = "html", .help = "a CDN's page"},
    [ERROR_TEXT] = {.name = "text", .help = "the message as text/plain"},
    [ERROR_EMPTY] = {.name = "empty"},
    {0}};

static const struct word quota_words[] = {[QUOTA_PERMINUTE] = {.name = "perminute"},
                                          [QUOTA_PERDAY] = {.name = "perday"},
                                          [QUOTA_ZERO] = {.name = "zero"},
                                          [QUOTA_INSUFFICIENT] = {.name = "insufficient"},
                                          {0}};

static const struct word fault_words[] = {
    [FAULT_CLOSE_BEFORE_ANSWER] = {.name = "close_before_answer"},
    [FAULT_RESET_BEFORE_ANSWER] = {.name = "reset_before_answer"},
    [FAULT_RESET_MID_BODY_UPLOAD] = {.name = "reset_mid_body_upload",
                                     .argument = ARGUMENT_NUMBER,
                                     .help = "RST after N bytes of the request's body"},
    [FAULT_EARLY_ANSWER] = {.name = "early_answer",
                            .argument = ARGUMENT_NUMBER,
                            .help = "answers after N bytes of the request's body"},
    [FAULT_CLOSE_AFTER_HEADERS] = {.name = "close_after_headers"},
    [FAULT_TRUNCATE] = {.name = "truncate",
                        .argument = ARGUMENT_NUMBER,
                        .help = "right Content-Length, close after N bytes of body"},
    [FAULT_TRUNCATE_CHUNKED] = {.name = "truncate_chunked",
                                .argument = ARGUMENT_DEFAULT,
                                .fallback = -1,
                                .help = "N bytes in chunks (half of all), no last chunk"},
    [FAULT_WRONG_LENGTH] = {.name = "wrong_length",
                            .argument = ARGUMENT_DEFAULT,
                            .fallback = -1,
                            .help = "N bytes (half of all) and a Content-Length of just that"},
    [FAULT_RESET_AFTER] = {.name = "reset_after",
                           .argument = ARGUMENT_NUMBER,
                           .help = "RST after N bytes of the answer's body"},
    [FAULT_OVERLONG] = {.name = "overlong",
                        .argument = ARGUMENT_DEFAULT,
                        .fallback = 1000,
                        .help = "N bytes more than Content-Length says"},
    [FAULT_UNTIL_CLOSE] = {.name = "until_close",
                           .argument = ARGUMENT_DEFAULT,
                           .fallback = -1,
                           .help = "no length; N bytes (all), then close"},
    [FAULT_DRIP] = {.name = "drip", .argument = ARGUMENT_NUMBER, .help = "bytes per second"},
    [FAULT_STALL] = {.name = "stall", .argument = ARGUMENT_NUMBER, .help = "ms before the headers"},
    [FAULT_STALL_MID] = {.name = "stall_mid",
                         .argument = ARGUMENT_NUMBER,
                         .help = "ms in the middle of the body"},
    [FAULT_GZIP] = {.name = "gzip", .help = "Content-Encoding: gzip, unasked"},
    [FAULT_CHUNKED] = {.name = "chunked"},
    [FAULT_HUGE_HEADERS] = {.name = "huge_headers",
                            .argument = ARGUMENT_DEFAULT,
                            .fallback = 1 << 20},
    [FAULT_GARBAGE] = {.name = "garbage", .help = "bytes that are not HTTP"},
    [FAULT_HTTP100] = {.name = "http100", .help = "100 Continue and 102 before the answer"},
    {0}};

static const struct word list_words[] = {
    [LIST_GOOGLE] = {.name = "google"},
    [LIST_BARE] = {.name = "bare", .help = "no models/, no methods"},
    [LIST_OPENAI] = {.name = "openai"},
    [LIST_ARRAY] = {.name = "array", .help = "the bare list, in an array"},
    [LIST_ENDLESS] = {.name = "endless", .help = "each page has one model and leads to a next one"},
    [LIST_LOOP] = {.name = "loop", .help = "every page is the first, and leads to itself"},
    [LIST_CUT] = {.name = "cut", .help = "the JSON ends in the middle"},
    [LIST_HTML] = {.name = "html", .help = "a page with status 200"},
    [LIST_ERROR] = {.name = "error", .help = "status 200; shape and text as with status"},
    {0}};

static const struct word per_words[] = {
    [PER_TEXT] = {.name = "text"}, [PER_KEY] = {.name = "key"}, {0}};

const struct vocabulary vocabulary[D_COUNT] = {
    [D_DELAY] = {"delay", KIND_NUMBER, 0, HOUR_MS, NULL, "ms from request to answer"},
    [D_PICTURE] = {"picture", KIND_WORD, 0, 0, picture_words, "what the bytes are"},
    [D_PICTURE_BYTES] = {"picture_bytes", KIND_NUMBER, 1, MAX_BYTES, NULL,
                         "a noise PNG or JPEG of that size, made once and shared"},
    [D_SIZE] = {"size", KIND_SIZE, 1, 16383, NULL, "deliver WxH whatever was asked"},
    [D_LABEL] = {"label", KIND_TEXT, 0, 0, NULL, "lie about the picture's MIME type"},
    [D_PICTURES] = {"pictures", KIND_NUMBER, 1, 16, NULL, "so many different ones"},
    [D_DUPLICATE] = {"duplicate", KIND_FLAG, 0, 1, NULL, "each picture twice"},
    [D_VARIANT] = {"variant", KIND_NUMBER, 0, 1 << 30, NULL,
                   "which of a prompt's paintings (else: counts its requests)"},
    [D_DRAFTS] = {"drafts", KIND_NUMBER, 0, 8, NULL, "thought pictures before the real one"},
    [D_DRAFTS_ONLY] = {"drafts_only", KIND_FLAG, 0, 1, NULL, "thoughts and nothing else"},
    [D_NO_PICTURE] = {"no_picture", KIND_WORD, 0, 0, no_picture_words,
                      "status 200 without a picture; the word alone will do"},
    [D_FINISH] = {"finish", KIND_TEXT, 0, 0, NULL, "this finishReason and no parts"},
    [D_KEEP_PICTURE] = {"keep_picture", KIND_FLAG, 0, 1, NULL, "with finish: the picture too"},
    [D_FORM] = {"form", KIND_WORD, 0, 0, form_words, "where the picture is"},
    [D_BASE64] = {"base64", KIND_WORDS, 0, 0, base64_words, "spelling, joined with +"},
    [D_JSON] = {"json", KIND_WORD, 0, 0, json_words, "spacing"},
    [D_ORDER] = {"order", KIND_WORD, 0, 0, order_words, "of the members"},
    [D_WRAP] = {"wrap", KIND_WORD, 0, 0, wrap_words,
                "an array around the body, whatever JSON it is"},
    [D_MEMBERS] = {"members", KIND_WORDS, 0, 0, members_words,
                   "all but pictures and words; joined with +: by turns"},
    [D_UNKNOWN_MEMBERS] = {"unknown_members", KIND_FLAG, 0, 1, NULL, "extra ones everywhere"},
    [D_SIGNATURE_BYTES] = {"signature_bytes", KIND_NUMBER, 0, MAX_BYTES, NULL,
                           "length of thoughtSignature, up to a multiple of 4"},
    [D_WORDS] = {"words", KIND_TEXT, 0, 0, NULL, "the model's words; empty for none"},
    [D_WORDS_BYTES] = {"words_bytes", KIND_NUMBER, 0, MAX_BYTES, NULL, "so many words"},
    [D_USAGE] = {"usage", KIND_WORD, 0, 0, usage_words, "usageMetadata"},
    [D_URL] = {"url", KIND_WORD, 0, 0, url_words, "what a GET of the picture's URL gives"},
    [D_URL_TIMES] = {"url_times", KIND_NUMBER, 1, 1000, NULL,
                     "only the first N times; after that, the picture"},
    [D_URL_TYPE] = {"url_type", KIND_TEXT, 0, 0, NULL, "its Content-Type"},
    [D_STATUS] = {"status", KIND_NUMBER, 200, 599, NULL, "the HTTP status"},
    [D_ERROR] = {"error", KIND_WORD, 0, 0, error_words, "the shape of an error's body"},
    [D_MESSAGE] = {"message", KIND_TEXT, 0, 0, NULL, "of an error or a refusal"},
    [D_CODE] = {"code", KIND_TEXT, 0, 0, NULL, "of an error, or blockReason"},
    [D_REASON] = {"reason", KIND_TEXT, 0, 0, NULL, "adds google.rpc.ErrorInfo"},
    [D_RETRY_INFO] = {"retry_info", KIND_TEXT, 0, 0, NULL, "adds google.rpc.RetryInfo: 1.5s"},
    [D_RETRY_AFTER] = {"retry_after", KIND_TEXT, 0, 0, NULL, "the header, as given"},
    [D_QUOTA] = {"quota", KIND_WORD, 0, 0, quota_words, "adds google.rpc.QuotaFailure"},
    [D_REQUEST_ID] = {"request_id", KIND_TEXT, 0, 0, NULL,
                      "x-request-id, and in a gateway's message"},
    [D_HEADER] = {"header", KIND_TEXT, 0, 0, NULL, "one more: \"Name: value\""},
    [D_CONTENT_TYPE] = {"content_type", KIND_TEXT, 0, 0, NULL, "of the answer"},
    [D_REDIRECT] = {"redirect", KIND_REDIRECT, 300, 399, NULL, "a 3xx with that Location"},
    [D_FAULT] = {"fault", KIND_WORD, 0, 0, fault_words, "of the transport"},
    [D_LIST] = {"list", KIND_WORD, 0, 0, list_words, "the shape of the model list"},
    [D_LIST_COUNT] = {"list_count", KIND_NUMBER, 0, 100000, NULL, "so many models"},
    [D_LIST_NAMES] = {"list_names", KIND_TEXT, 0, 0, NULL,
                      "these models, with blanks between; NAME:METHOD for another method"},
    [D_PER] = {"per", KIND_WORD, 0, 0, per_words,
               "what `|` counts: requests of that text, or of that Idempotency-Key"},
};

/* A name with what follows it, in a column, and its help. */
static void print_line(FILE *file, int indent, const char *name, const char *rest, const char *help)
{
    int width = fprintf(file, "%*s%s%s", indent, "", name, rest);

    if (help)
        fprintf(file, "%*s%s", width < 30 ? 30 - width : 1, "", help);
    fputc('\n', file);
}

void vocabulary_print(FILE *file)
{
    static const char *const values[] = {[KIND_FLAG] = "",
                                         [KIND_NUMBER] = "=N",
                                         [KIND_SIZE] = "=WxH",
                                         [KIND_TEXT] = "=TEXT",
                                         [KIND_WORD] = "=WORD",
                                         [KIND_WORDS] = "=WORD[+WORD...]",
                                         [KIND_REDIRECT] = "=CODE:URL"};
    static const char *const arguments[] = {[ARGUMENT_NONE] = "",
                                            [ARGUMENT_NUMBER] = ":N",
                                            [ARGUMENT_DEFAULT] = "[:N]",
                                            [ARGUMENT_TEXT] = ":TEXT",
                                            [ARGUMENT_OPTIONAL] = "[:TEXT]"};

    for (size_t i = 0; i < D_COUNT; i++) {
        const struct word *words = vocabulary[i].words;

        print_line(file, 2, vocabulary[i].name, values[vocabulary[i].kind], vocabulary[i].help);
        for (size_t j = 1; words && words[j].name; j++)
            print_line(file, 6, words[j].name, arguments[words[j].argument], words[j].help);
    }
}
