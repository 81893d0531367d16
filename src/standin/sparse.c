/* SPDX-License-Identifier: MIT */
#include "standin/sparse.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "standin/vocabulary.h"

struct sparse {
    int64_t words;
    int turn; /* the word that the last member took */
};

/* What leads to a picture, or is one. Unknown members are a directive of their own. */
static const char *const kept[] = {
    "candidates", "content",     "parts",     "inlineData", "fileData", "fileUri",
    "data",       "inline_data", "file_data", "file_uri",   "url",      "text",
    "choices",    "message",     "images",    "image_url",  "b64_json", "xFuture"};

/* What the objects of an answer may have, by the member that holds them; "" is the answer itself.
 * The types say what is empty. */
static const struct {
    const char *holder;
    const char *name;
    int type;
} known[] = {{"", "candidates", cJSON_Array},
             {"", "promptFeedback", cJSON_Object},
             {"", "usageMetadata", cJSON_Object},
             {"", "modelVersion", cJSON_String},
             {"", "responseId", cJSON_String},
             {"", "createTime", cJSON_String},
             {"", "error", cJSON_Object},
             {"", "data", cJSON_Array},
             {"", "choices", cJSON_Array},
             {"candidates", "finishReason", cJSON_String},
             {"candidates", "finishMessage", cJSON_String},
             {"candidates", "safetyRatings", cJSON_Array},
             {"candidates", "index", cJSON_Number},
             {"content", "role", cJSON_String},
             {"parts", "text", cJSON_String},
             {"parts", "inlineData", cJSON_Object},
             {"parts", "fileData", cJSON_Object},
             {"parts", "url", cJSON_String},
             {"parts", "thought", cJSON_False},
             {"parts", "thoughtSignature", cJSON_String},
             {"inlineData", "mimeType", cJSON_String},
             {"inline_data", "mime_type", cJSON_String},
             {"fileData", "mimeType", cJSON_String},
             {"file_data", "mime_type", cJSON_String},
             {"data", "b64_json", cJSON_String},
             {"data", "url", cJSON_String},
             {"data", "revised_prompt", cJSON_String},
             {"choices", "index", cJSON_Number},
             {"choices", "finish_reason", cJSON_String},
             {"message", "role", cJSON_String},
             {"message", "refusal", cJSON_String},
             {"images", "type", cJSON_String}};

#define KNOWN (sizeof(known) / sizeof(known[0]))

_Static_assert(KNOWN <= 64, "find_missing() has a bit for each");

static bool is_kept(const cJSON *member)
{
    /* Without its mark a draft would be a result. */
    if (!strcmp(member->string, "thought"))
        return cJSON_IsTrue(member);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (!strcmp(member->string, kept[i]))
            return true;
    return false;
}

/* A number has nothing that is empty: it is null then, too. */
static cJSON *make_empty(int type)
{
    switch (type & 0xff) {
    case cJSON_String:
    case cJSON_Raw:
        return cJSON_CreateString("");
    case cJSON_Object:
        return cJSON_CreateObject();
    case cJSON_Array:
        return cJSON_CreateArray();
    case cJSON_True:
    case cJSON_False:
        return cJSON_CreateFalse();
    default:
        return cJSON_CreateNull();
    }
}

/* The next word in turn. */
static int next_word(struct sparse *sparse)
{
    do
        sparse->turn = sparse->turn % MEMBERS_ABSENT + 1;
    while (!(sparse->words >> (sparse->turn - 1) & 1));
    return sparse->turn;
}

/* What a member of @type becomes. @return NULL for an absent one. */
static cJSON *make_member(struct sparse *sparse, int type)
{
    switch (next_word(sparse)) {
    case MEMBERS_NULL:
        return cJSON_CreateNull();
    case MEMBERS_EMPTY:
        return make_empty(type);
    default:
        return NULL;
    }
}

static void thin(struct sparse *sparse, cJSON *object, const char *holder);

/* Depth is that of a tree that forms.c built: a handful. */
static void descend(struct sparse *sparse, cJSON *item)
{
    const char *holder = item->string;

    if (cJSON_IsObject(item))
        thin(sparse, item, holder);
    if (cJSON_IsArray(item))
        for (cJSON *child = item->child; child; child = child->next)
            thin(sparse, child, holder);
}

/* Which of the known members @object lacks: a bit for each. */
static uint64_t find_missing(const cJSON *object, const char *holder)
{
    uint64_t missing = 0;

    for (size_t i = 0; i < KNOWN; i++)
        if (!strcmp(known[i].holder, holder) &&
            !cJSON_GetObjectItemCaseSensitive(object, known[i].name))
            missing |= (uint64_t)1 << i;
    return missing;
}

static void add_missing(struct sparse *sparse, cJSON *object, uint64_t missing)
{
    for (size_t i = 0; i < KNOWN; i++) {
        cJSON *made = missing >> i & 1 ? make_member(sparse, known[i].type) : NULL;

        if (made)
            cJSON_AddItemToObject(object, known[i].name, made);
    }
}

static void thin(struct sparse *sparse, cJSON *object, const char *holder)
{
    uint64_t missing = find_missing(object, holder);
    cJSON *next;

    if (!strcmp(holder, "xFuture"))
        return;
    for (cJSON *member = object->child; member; member = next) {
        cJSON *made;

        next = member->next;
        if (is_kept(member)) {
            descend(sparse, member);
            continue;
        }
        made = make_member(sparse, member->type);
        if (made)
            cJSON_ReplaceItemInObjectCaseSensitive(object, member->string, made);
        else
            cJSON_Delete(cJSON_DetachItemViaPointer(object, member));
    }
    add_missing(sparse, object, missing);
}

void sparse_apply(cJSON *answer, int64_t words)
{
    struct sparse sparse = {.words = words};

    if (words && answer)
        thin(&sparse, answer, "");
}
