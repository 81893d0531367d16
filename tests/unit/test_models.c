/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/models.h"

static void the_default_list(void **state)
{
    cleanup_models struct model_list list = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(models_parse(models_default, false, &list, &failure), 0);
    assert_int_equal(list.count, 3);
    assert_false(list.automatic);
    assert_string_equal(list.models[0].name, "gemini-3-pro-image-preview");
    assert_string_equal(list.models[1].name, "gemini-2.5-flash-image-preview");
    assert_string_equal(list.models[2].name, "gemini-3.1-flash-image-preview");
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(list.models[i].directory, list.models[i].name);
        assert_ptr_equal(list.models[i].profile, models_find_profile(list.models[i].name, false));
        assert_ptr_equal(models_find(&list, list.models[i].directory), &list.models[i]);
    }
    assert_null(models_find(&list, "gemini"));
}

static void sizes_that_are_sent(void **state)
{
    static const struct {
        const char *model;
        bool google;
        const char *asked, *sent;
        bool differs;
    } rows[] = {
        {"gemini-3-pro-image-preview", false, "2K", "2K", false},
        {"gemini-3-pro-image-preview", true, "4K", "4K", false},
        {"gemini-2.5-flash-image-preview", false, "2K", "1K", true},
        {"gemini-2.5-flash-image-preview", false, "1K", "1K", false},
        {"gemini-2.5-flash-image-preview", true, "1K", "1K", false},
        {"gemini-3.1-flash-image-preview", false, "512", "1K", true},
        {"gemini-3.1-flash-image-preview", false, "4K", "1K", true},
        {"gemini-3.1-flash-image-preview", true, "4K", "4K", false},
        {"gemini-2.5-flash-image", false, "1K", "1K", false},
        {"permissive", false, "8K", "8K", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct model_profile *profile = models_find_profile(rows[i].model, rows[i].google);
        bool differs = !rows[i].differs;

        assert_string_equal(models_effective_size(profile, rows[i].asked, &differs), rows[i].sent);
        assert_int_equal(differs, rows[i].differs);
        assert_null(models_effective_size(profile, NULL, &differs));
        assert_false(differs);
    }
}

static void numbers_of_references(void **state)
{
    (void)state;
    assert_int_equal(models_find_profile("gemini-3-pro-image-preview", false)->references_max, 14);
    assert_int_equal(models_find_profile("gemini-3.1-flash-image-preview", true)->references_max,
                     14);
    assert_int_equal(models_find_profile("gemini-2.5-flash-image-preview", false)->references_max,
                     3);
    assert_int_equal(model_profile_permissive.references_max, MODEL_REFERENCES_MAX);
    assert_null(models_find_profile("gemini", false));
}

static void names(void **state)
{
    static const struct {
        const char *name;
        const char *directory; /* NULL = refused */
    } rows[] = {
        {"a", "a"},
        {"Imagen_4.0-ultra", "Imagen_4.0-ultra"},
        {"google/gemini-3-pro", "google_gemini-3-pro"},
        {"a/b/c", "a_b_c"},
        {"models/gemini-3-pro", "gemini-3-pro"},
        {"models/models/a", "a"},
        {"models/", NULL},
        {"models", "models"},
        {".hidden", NULL},
        {"-rf", NULL},
        {"a/.b", NULL},
        {"a/-b", NULL},
        {"a/../b", NULL},
        {"..", NULL},
        {"/a", NULL},
        {"a/", NULL},
        {"a//b", NULL},
        {"a b", NULL},
        {"a:b", NULL},
        {"a\nb", NULL},
        {"a%2fb", NULL},
        {"\xc3\xa9", NULL},
        {"", NULL},
    };
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_models struct model_list list = {0};
        int error = models_add(&list, rows[i].name, strlen(rows[i].name), NULL, false, &failure);

        assert_int_equal(error, rows[i].directory ? 0 : -EINVAL);
        assert_int_equal(list.count, rows[i].directory ? 1 : 0);
        if (rows[i].directory)
            assert_string_equal(list.models[0].directory, rows[i].directory);
    }
}

static void a_prefix_of_googles_list_is_dropped_from_the_name(void **state)
{
    cleanup_models struct model_list list = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(models_parse("models/gemini-3-pro-image-preview", true, &list, &failure), 0);
    assert_string_equal(list.models[0].name, "gemini-3-pro-image-preview");
    assert_ptr_equal(list.models[0].profile,
                     models_find_profile("gemini-3-pro-image-preview", true));
}

static void names_have_a_limit(void **state)
{
    char name[MODEL_NAME_MAX_BYTES + 1];
    cleanup_models struct model_list list = {0};
    struct failure failure;

    (void)state;
    memset(name, 'm', sizeof(name));
    assert_int_equal(models_add(&list, name, MODEL_NAME_MAX_BYTES + 1, NULL, false, &failure),
                     -EINVAL);
    assert_string_equal(failure.text, "\"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm\" is not a "
                                      "model's name: letters, digits and . _ - / only, at most "
                                      "128.");
    assert_int_equal(models_add(&list, name, MODEL_NAME_MAX_BYTES, NULL, false, &failure), 0);
    assert_int_equal(strlen(list.models[0].name), MODEL_NAME_MAX_BYTES);
}

static void taken_directories(void **state)
{
    static const char *const names[] = {"a/b", "README.txt", "status.txt"};
    cleanup_models struct model_list list = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(models_add(&list, "a_b", 3, NULL, false, &failure), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(models_add(&list, names[i], strlen(names[i]), NULL, false, &failure),
                         -EEXIST);
    assert_int_equal(list.count, 1);
    assert_string_equal(failure.text,
                        "The directory status.txt of model status.txt is taken already.");
}

static void the_list_has_a_limit(void **state)
{
    cleanup_models struct model_list list = {0};
    struct failure failure;
    char name[16];

    (void)state;
    for (int i = 0; i < MODELS_MAX; i++) {
        int length = snprintf(name, sizeof(name), "m%d", i);
        assert_int_equal(models_add(&list, name, (size_t)length, NULL, false, &failure), 0);
    }
    assert_int_equal(models_add(&list, "more", 4, NULL, false, &failure), -E2BIG);
    assert_int_equal(list.count, MODELS_MAX);
}

static void the_text_has_a_limit(void **state)
{
    cleanup_models struct model_list list = {0};
    cleanup_free char *text = malloc(65538);
    struct failure failure;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', 65537);
    text[0] = 'm';
    text[65537] = '\0';
    assert_int_equal(models_parse(text, false, &list, &failure), -E2BIG);
    assert_string_equal(failure.text, "The list is longer than 65536 bytes.");
    text[65536] = '\0';
    assert_int_equal(models_parse(text, false, &list, &failure), 0);
    assert_int_equal(list.count, 1);
}

static void profiles_can_be_chosen(void **state)
{
    cleanup_models struct model_list list = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(models_parse("mine=gemini-3-pro-image-preview gemini-3-pro-image-preview="
                                  "permissive\nother",
                                  false, &list, &failure),
                     0);
    assert_int_equal(list.count, 3);
    assert_string_equal(list.models[0].name, "mine");
    assert_string_equal(list.models[0].profile->name, "gemini-3-pro-image-preview");
    assert_ptr_equal(list.models[1].profile, &model_profile_permissive);
    assert_ptr_equal(list.models[2].profile, &model_profile_permissive);
}

static void automatic(void **state)
{
    cleanup_models struct model_list list = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(models_parse(" auto ", false, &list, &failure), 0);
    assert_true(list.automatic);
    assert_int_equal(list.count, 0);
}

static void wrong_lists(void **state)
{
    static const struct {
        const char *text;
        int error;
        const char *sentence;
    } rows[] = {
        {"", -EINVAL, "It is empty: name a model, or \"auto\"."},
        {" , ", -EINVAL, "It is empty: name a model, or \"auto\"."},
        {"auto, a", -EINVAL, "\"auto\" stands alone, without other names."},
        {"a auto", -EINVAL, "\"auto\" stands alone, without other names."},
        {"a, a", -EEXIST, "The directory a of model a is taken already."},
        {"a=", -EINVAL, NULL},
        {"a=b", -EINVAL,
         "There is no profile \"b\": it is one of permissive, gemini-3-pro-image-preview, "
         "gemini-2.5-flash-image-preview, gemini-3.1-flash-image-preview, "
         "gemini-2.5-flash-image."},
        {"=permissive", -EINVAL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_list list = {.count = 4711};
        struct failure failure;

        assert_int_equal(models_parse(rows[i].text, false, &list, &failure), rows[i].error);
        assert_int_equal(list.count, 4711);
        if (rows[i].sentence)
            assert_string_equal(failure.text, rows[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_list),
        cmocka_unit_test(sizes_that_are_sent),
        cmocka_unit_test(numbers_of_references),
        cmocka_unit_test(names),
        cmocka_unit_test(a_prefix_of_googles_list_is_dropped_from_the_name),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(taken_directories),
        cmocka_unit_test(the_list_has_a_limit),
        cmocka_unit_test(the_text_has_a_limit),
        cmocka_unit_test(profiles_can_be_chosen),
        cmocka_unit_test(automatic),
        cmocka_unit_test(wrong_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
