/* SPDX-License-Identifier: MIT */
#include "standin/gallery.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin/fault.h"

/* As signed URLs carry it: whatever keeps a URL for people to read must not keep this. */
#define SIGNATURE "signature=standin-signature"

struct exhibit {
    uint64_t id; /* 0 = empty */
    struct blob *bytes;
    const char *mime;
    char *type; /* Content-Type to say instead; owned; NULL for the true one */
    int word;   /* enum url_word; 0 = nothing special */
    int64_t number;
    int64_t times; /* how often the word still holds; -1 = always */
    char *text;    /* argument of the word; owned */
};

struct gallery {
    pthread_mutex_t mutex; /* guards all below */
    uint64_t next_id;
    size_t held; /* bytes of all exhibits */
    uint64_t oldest;
    struct exhibit exhibits[GALLERY_MAX_PICTURES]; /* by id modulo their number */
};

int gallery_create(struct gallery **ret_gallery)
{
    struct gallery *gallery = calloc(1, sizeof(*gallery));

    if (!gallery)
        return -ENOMEM;
    pthread_mutex_init(&gallery->mutex, NULL);
    gallery->next_id = gallery->oldest = 1;
    *ret_gallery = gallery;
    return 0;
}

static void take_down(struct exhibit *exhibit)
{
    blob_unref(exhibit->bytes);
    free(exhibit->type);
    free(exhibit->text);
    *exhibit = (struct exhibit){0};
}

void gallery_destroy(struct gallery *gallery)
{
    if (!gallery)
        return;
    for (size_t i = 0; i < GALLERY_MAX_PICTURES; i++)
        take_down(&gallery->exhibits[i]);
    pthread_mutex_destroy(&gallery->mutex);
    free(gallery);
}

static struct exhibit *place_of(struct gallery *gallery, uint64_t id)
{
    return &gallery->exhibits[id % GALLERY_MAX_PICTURES];
}

static int copy_text(const char *text, char **ret_copy)
{
    if (!text)
        return 0;
    *ret_copy = strdup(text);
    return *ret_copy ? 0 : -ENOMEM;
}

/* Make room and hang @exhibit, which the gallery then owns. @return its id. */
static uint64_t hang(struct gallery *gallery, struct exhibit *exhibit)
{
    size_t size = blob_size(exhibit->bytes);
    uint64_t id;

    pthread_mutex_lock(&gallery->mutex);
    id = gallery->next_id++;
    while (gallery->oldest < id && (id - gallery->oldest >= GALLERY_MAX_PICTURES ||
                                    gallery->held + size > GALLERY_MAX_BYTES)) {
        struct exhibit *old = place_of(gallery, gallery->oldest++);

        gallery->held -= blob_size(old->bytes);
        take_down(old);
    }
    exhibit->id = id;
    *place_of(gallery, id) = *exhibit;
    gallery->held += size;
    pthread_mutex_unlock(&gallery->mutex);
    return id;
}

int gallery_add(struct gallery *gallery, const struct picture *picture,
                const struct directives *directives, const char *origin, char *url)
{
    const char *argument = directive_text(directives, D_URL, NULL);
    struct exhibit exhibit = {.mime = picture->mime,
                              .word = directive_word(directives, D_URL, 0),
                              .number = directive_number(directives, D_URL, 0),
                              .times = directive_number(directives, D_URL_TIMES, -1)};
    int error;
    int length;

    if (exhibit.word == URL_EXTERNAL) {
        length = snprintf(url, GALLERY_URL_SIZE, "%s", argument);
        return length < GALLERY_URL_SIZE ? 0 : -ENAMETOOLONG;
    }
    error = copy_text(argument, &exhibit.text);
    if (!error)
        error = copy_text(directive_text(directives, D_URL_TYPE, NULL), &exhibit.type);
    if (error) {
        take_down(&exhibit);
        return error;
    }
    exhibit.bytes = blob_ref(picture->bytes);
    length = snprintf(url, GALLERY_URL_SIZE, "%s/pictures/%llu?" SIGNATURE, origin,
                      (unsigned long long)hang(gallery, &exhibit));
    return length < GALLERY_URL_SIZE ? 0 : -ENAMETOOLONG;
}

/* Copy what hangs at @id, with references of its own, for one more GET. A hop belongs to the GET
 * that led to it: it is not counted. @return whether something does. */
static bool look(struct gallery *gallery, uint64_t id, bool hop, struct exhibit *copy)
{
    struct exhibit *exhibit = place_of(gallery, id);
    bool found;

    *copy = (struct exhibit){0};
    pthread_mutex_lock(&gallery->mutex);
    found = id && exhibit->id == id;
    if (found) {
        *copy = *exhibit;
        blob_ref(copy->bytes);
        copy->type = exhibit->type ? strdup(exhibit->type) : NULL;
        copy->text = exhibit->text ? strdup(exhibit->text) : NULL;
        if (!hop && !exhibit->times)
            copy->word = 0;
        if (!hop && exhibit->times > 0)
            exhibit->times--;
    }
    pthread_mutex_unlock(&gallery->mutex);
    return found;
}

static int answer_hop(uint64_t id, int64_t hop, const char *origin, struct answer *answer)
{
    char location[GALLERY_URL_SIZE];

    snprintf(location, sizeof(location), "%s/pictures/%llu/%lld?" SIGNATURE, origin,
             (unsigned long long)id, (long long)hop);
    return fault_write_redirect(302, location, answer);
}

static int answer_picture(const struct exhibit *exhibit, struct answer *answer)
{
    answer->status = 200;
    body_add_blob(&answer->body, exhibit->bytes, 0, blob_size(exhibit->bytes));
    return answer_header(answer, "Content-Type", exhibit->type ? exhibit->type : exhibit->mime);
}

/* The beginning of a PNG, and then noise without an end that anyone will live to see. */
static int answer_huge(const struct exhibit *exhibit, struct answer *answer)
{
    answer->status = 200;
    answer->noise_bytes = exhibit->number;
    body_add(&answer->body, "\x89PNG\r\n\x1a\n", 8);
    return answer_header(answer, "Content-Type", "image/png");
}

static int answer_html(struct answer *answer)
{
    answer->status = 200;
    body_printf(&answer->body, "<!DOCTYPE html>\n<html><head><title>Just a moment...</title>"
                               "</head><body></body></html>\n");
    return answer_header(answer, "Content-Type", "text/html; charset=UTF-8");
}

static int answer_exhibit(const struct exhibit *exhibit, int64_t hop, const char *origin,
                          struct answer *answer, int *fault)
{
    static const struct directives none = {0};

    switch (exhibit->word) {
    case URL_STATUS:
        return fault_write((unsigned)exhibit->number, "Request has expired", &none, answer);
    case URL_REDIRECT:
        if (hop != 0 && exhibit->number > 0)
            return answer_hop(exhibit->id, (hop < 0 ? exhibit->number : hop) - 1, origin, answer);
        break;
    case URL_REDIRECT_TO:
        return fault_write_redirect(302, exhibit->text, answer);
    case URL_HTML:
        return answer_html(answer);
    case URL_HUGE:
        return answer_huge(exhibit, answer);
    case URL_SLOW:
        *fault = FAULT_DRIP;
        break;
    case URL_TRUNCATE:
        *fault = FAULT_TRUNCATE;
        break;
    case URL_CLOSE:
        *fault = FAULT_CLOSE_BEFORE_ANSWER;
        break;
    default:
        break;
    }
    return answer_picture(exhibit, answer);
}

int gallery_answer(struct gallery *gallery, const char *path, const char *origin,
                   struct answer *answer, int *ret_fault, int64_t *ret_argument)
{
    static const struct directives none = {0};
    char *end;
    uint64_t id = strtoull(path, &end, 10);
    int64_t hop = *end == '/' ? strtoll(end + 1, &end, 10) : -1;
    struct exhibit exhibit;
    int error;

    *ret_fault = 0;
    *ret_argument = 0;
    if (*end || !look(gallery, id, hop >= 0, &exhibit))
        return fault_write(404, "There is no such picture.", &none, answer);
    error = answer_exhibit(&exhibit, hop, origin, answer, ret_fault);
    *ret_argument = exhibit.number;
    take_down(&exhibit);
    return error;
}
