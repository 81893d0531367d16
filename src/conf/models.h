/* SPDX-License-Identifier: MIT
 *
 * What is known of each model (its profile), and the list of models that are mounted. Facts only:
 * fetching the list of `models = auto` is done elsewhere.
 *
 * A model's name is what stands in the request's URL. Its directory has the same name, with `_` for
 * each `/`. Names: 1 to 128 bytes of [A-Za-z0-9._/-]; neither the name nor a part of it between
 * slashes is empty or begins with `.` or `-`. A leading "models/", as Google's list prints it, is
 * dropped. README.txt and status.txt are taken by easelfs.
 */
#ifndef EASELFS_CONF_MODELS_H
#define EASELFS_CONF_MODELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/failure.h"
#include "conf/settings.h"

/** The most models in one mount. */
#define MODELS_MAX 256

/** The longest name of a model. */
#define MODEL_NAME_MAX_BYTES 128

/** The most references that any profile allows: arrays of that size are always enough. */
#define MODEL_REFERENCES_MAX 32

/** What one model takes. Static, never freed. */
struct model_profile {
    const char *name;            /* the model it was made for, or "permissive" */
    const char *const *ratios;   /* allowed aspect ratios, NULL at the end; NULL = any W:H */
    const char *const *sizes;    /* allowed image sizes, NULL at the end; NULL = any 512, 1K.. */
    const char *fallback_size;   /* sent in place of any other size; NULL = sent as asked */
    unsigned int references_max; /* pictures that one request may carry */
};

/** For models that are not in the table: everything that the API could mean by a value. */
extern const struct model_profile model_profile_permissive;

/**
 * The profile called @name, "permissive" included.
 *
 * @google  the base URL is Google's own: no fall-back, and what Google allows
 *
 * @return NULL where there is none.
 */
const struct model_profile *models_find_profile(const char *name, bool google);

/** The name of the profile of a known model; NULL once @index is past the last. Static. */
const char *models_profile_name(size_t index);

/**
 * The `imageSize` to send where @asked (NULL = nothing) was asked for.
 *
 * @ret_differs  true where it is not what was asked: say so to the user
 *
 * @return a string of the profile's or @asked; NULL = leave it out.
 */
const char *models_effective_size(const struct model_profile *profile, const char *asked,
                                  bool *ret_differs);

struct model {
    char *name;                          /* as in the URL, before escaping; owned */
    char *directory;                     /* its directory; unique in the list; owned */
    const struct model_profile *profile; /* never NULL */
    struct settings settings;            /* what the configuration sets for it */
};

/** All zero is an empty list. */
struct model_list {
    struct model *models; /* in the order of the configuration; owned */
    size_t count;
    bool automatic; /* `models = auto`: the list is empty until the API was asked */
};

/** Free all; the list is empty afterwards. */
void models_fini(struct model_list *list);

#define cleanup_models cleanup_(models_fini)

/** Leave out each "models/" that @name, @length bytes, begins with, as far as something is left. */
void models_drop_prefix(const char **name, size_t *length);

/** Whether @name, @length bytes, can be a model's: by the rule above, without that prefix. */
bool models_is_name(const char *name, size_t length);

/**
 * Append the model @name (@length bytes) without settings.
 *
 * @profile  NULL = the one of its name, else the permissive one
 *
 * @return 0, -EINVAL (not a name), -EEXIST (its directory is taken), -E2BIG (MODELS_MAX reached)
 *         or -ENOMEM, each with a sentence; the list is then as before.
 */
int models_add(struct model_list *list, const char *name, size_t length,
               const struct model_profile *profile, bool google, struct failure *failure);

/**
 * Read the value of `models`: "auto", or names separated by commas or white space, each alone or as
 * NAME=PROFILE.
 *
 * @ret_list  written on success; the caller calls models_fini()
 *
 * @return as models_add(); -EINVAL also for an unknown profile and for an empty list.
 */
int models_parse(const char *text, bool google, struct model_list *ret_list,
                 struct failure *failure);

/** The value of `models` where nothing is configured: the vendor's three. */
extern const char models_default[];

/** The model whose directory is @directory; NULL where there is none. */
const struct model *models_find(const struct model_list *list, const char *directory);

#endif
