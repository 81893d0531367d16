/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/models.h"
#include "conf/settings.h"

static const struct model_profile *pro(void)
{
    return models_find_profile("gemini-3-pro-image-preview", false);
}

static int set(struct settings *settings, enum setting setting, const char *text,
               const struct model_profile *profile, struct failure *failure)
{
    failure_init(failure);
    return settings_set(settings, setting, text, strlen(text), profile, failure);
}

struct row {
    enum setting setting;
    const char *text;
    const char *normal; /* NULL = -EINVAL */
};

static void check_rows(const struct row *rows, size_t count, const struct model_profile *profile)
{
    for (size_t i = 0; i < count; i++) {
        cleanup_settings struct settings settings = {0};
        struct failure failure;
        int error = set(&settings, rows[i].setting, rows[i].text, profile, &failure);

        assert_int_equal(error, rows[i].normal ? 0 : -EINVAL);
        if (rows[i].normal) {
            assert_string_equal(settings.value[rows[i].setting], rows[i].normal);
            continue;
        }
        assert_null(settings.value[rows[i].setting]);
        assert_int_equal(failure.error, -EINVAL);
        assert_memory_equal(failure.text, settings_name(rows[i].setting),
                            strlen(settings_name(rows[i].setting)));
    }
}

static void values_of_a_known_model(void **state)
{
    static const struct row rows[] = {
        {SETTING_ASPECT_RATIO, "16:9\n", "16:9"},
        {SETTING_ASPECT_RATIO, " 21:9 \r\n", "21:9"},
        {SETTING_ASPECT_RATIO, "4:5", NULL},
        {SETTING_ASPECT_RATIO, "16x9", NULL},
        {SETTING_ASPECT_RATIO, "16:9:1", NULL},
        {SETTING_IMAGE_SIZE, "1K", "1K"},
        {SETTING_IMAGE_SIZE, "2K\n", "2K"},
        {SETTING_IMAGE_SIZE, "2k", NULL},
        {SETTING_IMAGE_SIZE, "4K", NULL},
        {SETTING_IMAGE_SIZE, "512", NULL},
        {SETTING_COUNT_OF_PICTURES, "1", "1"},
        {SETTING_COUNT_OF_PICTURES, "08\n", "8"},
        {SETTING_COUNT_OF_PICTURES, "0", NULL},
        {SETTING_COUNT_OF_PICTURES, "9", NULL},
        {SETTING_COUNT_OF_PICTURES, "two", NULL},
        {SETTING_TEMPERATURE, "0", "0"},
        {SETTING_TEMPERATURE, "1.0", "1"},
        {SETTING_TEMPERATURE, "2.000", "2"},
        {SETTING_TEMPERATURE, "2.000001", NULL},
        {SETTING_TEMPERATURE, "-0.1", NULL},
        {SETTING_TOP_P, ".95", "0.95"},
        {SETTING_TOP_P, "1", "1"},
        {SETTING_TOP_P, "1.01", NULL},
        {SETTING_TOP_K, "1", "1"},
        {SETTING_TOP_K, "2147483647", "2147483647"},
        {SETTING_TOP_K, "2147483648", NULL},
        {SETTING_TOP_K, "0", NULL},
        {SETTING_SEED, "-2147483648", "-2147483648"},
        {SETTING_SEED, "-2147483649", NULL},
        {SETTING_SEED, "2147483647", "2147483647"},
        {SETTING_SEED, "2147483648", NULL},
        {SETTING_SEED, "1.5", NULL},
        {SETTING_MAX_OUTPUT_TOKENS, "8192", "8192"},
        {SETTING_MAX_OUTPUT_TOKENS, "0", NULL},
        {SETTING_RESPONSE_MODALITIES, "IMAGE,TEXT", "IMAGE,TEXT"},
        {SETTING_RESPONSE_MODALITIES, "text, image\n", "IMAGE,TEXT"},
        {SETTING_RESPONSE_MODALITIES, "Image", "IMAGE"},
        {SETTING_RESPONSE_MODALITIES, "TEXT", NULL},
        {SETTING_RESPONSE_MODALITIES, "IMAGE,IMAGE", NULL},
        {SETTING_RESPONSE_MODALITIES, "IMAGE,AUDIO", NULL},
        {SETTING_RESPONSE_MODALITIES, ",", NULL},
        {SETTING_SYSTEM_INSTRUCTION, " Paint in oil.\nAlways.\n", " Paint in oil.\nAlways."},
        {SETTING_SAFETY_HARASSMENT, "BLOCK_NONE", "BLOCK_NONE"},
        {SETTING_SAFETY_HATE_SPEECH, "off\n", "OFF"},
        {SETTING_SAFETY_SEXUALLY_EXPLICIT, "block_only_high", "BLOCK_ONLY_HIGH"},
        {SETTING_SAFETY_DANGEROUS_CONTENT, "BLOCK_SOME", NULL},
        {SETTING_SAFETY_DANGEROUS_CONTENT, "OF", NULL},
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]), pro());
}

static void values_of_an_unknown_model(void **state)
{
    static const struct row rows[] = {
        {SETTING_ASPECT_RATIO, "99:1", "99:1"}, {SETTING_ASPECT_RATIO, "100:1", NULL},
        {SETTING_ASPECT_RATIO, "0:1", NULL},    {SETTING_ASPECT_RATIO, "16:", NULL},
        {SETTING_ASPECT_RATIO, ":9", NULL},     {SETTING_ASPECT_RATIO, "16", NULL},
        {SETTING_ASPECT_RATIO, "16:9x", NULL},  {SETTING_IMAGE_SIZE, "8K", "8K"},
        {SETTING_IMAGE_SIZE, "512", "512"},     {SETTING_IMAGE_SIZE, "1024", "1024"},
        {SETTING_IMAGE_SIZE, "12345", NULL},    {SETTING_IMAGE_SIZE, "8k", NULL},
        {SETTING_IMAGE_SIZE, "K", NULL},        {SETTING_IMAGE_SIZE, "0K", NULL},
        {SETTING_IMAGE_SIZE, "16", NULL},       {SETTING_IMAGE_SIZE, "1KK", NULL},
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]), &model_profile_permissive);
}

static void references(void **state)
{
    static const struct row rows[] = {
        {SETTING_REFERENCES, "all\n", "all"},
        {SETTING_REFERENCES, " none ", "none"},
        {SETTING_REFERENCES, "cat.jpg\n", "cat.jpg"},
        {SETTING_REFERENCES, "b.png\r\n\r\na, b.png\r\n", "b.png\na, b.png"},
        {SETTING_REFERENCES, "a\nb\na", "a\nb"},
        {SETTING_REFERENCES, " lead and trail ", " lead and trail "},
        {SETTING_REFERENCES, "...", "..."},
        {SETTING_REFERENCES, ".", NULL},
        {SETTING_REFERENCES, "a\n..", NULL},
        {SETTING_REFERENCES, "../a.png", NULL},
        {SETTING_REFERENCES, "/etc/passwd", NULL},
        {SETTING_REFERENCES, "a\tb", NULL},
        {SETTING_REFERENCES, "a\nall", NULL},
        {SETTING_REFERENCES, "none\na", NULL},
    };

    (void)state;
    check_rows(rows, sizeof(rows) / sizeof(rows[0]), pro());
}

static void names_of_references_have_a_limit(void **state)
{
    char name[SETTINGS_REFERENCE_MAX_BYTES + 2];
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    (void)state;
    memset(name, 'n', sizeof(name));
    name[SETTINGS_REFERENCE_MAX_BYTES] = '\0';
    assert_int_equal(set(&settings, SETTING_REFERENCES, name, pro(), &failure), 0);
    assert_string_equal(settings.value[SETTING_REFERENCES], name);
    name[SETTINGS_REFERENCE_MAX_BYTES] = 'n';
    name[SETTINGS_REFERENCE_MAX_BYTES + 1] = '\0';
    assert_int_equal(set(&settings, SETTING_REFERENCES, name, pro(), &failure), -EINVAL);
    assert_string_equal(failure.text,
                        "references: \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
                        "...\" is not the name of a file beside the prompt: no path, at most 255 "
                        "bytes, one name a line.");
}

static void number_of_references_has_a_limit(void **state)
{
    cleanup_settings struct settings settings = {0};
    struct failure failure;
    cleanup_buf struct buf names;

    (void)state;
    buf_init(&names, 1024);
    for (int i = 1; i <= 14; i++)
        assert_int_equal(buf_printf(&names, "%d.png\n", i), 0);
    assert_int_equal(set(&settings, SETTING_REFERENCES, buf_text(&names), pro(), &failure), 0);
    assert_int_equal(buf_printf(&names, "%d.png\n", 15), 0);
    assert_int_equal(set(&settings, SETTING_REFERENCES, buf_text(&names), pro(), &failure),
                     -EINVAL);
    assert_string_equal(failure.text,
                        "references: more than 14 names, which is all that this model takes.");
}

static void empty_unsets(void **state)
{
    static const char *const texts[] = {"", "\n", " \t\r\n"};
    struct failure failure;

    (void)state;
    for (int i = 0; i < SETTING_MAX; i++) {
        for (size_t j = 0; j < 3; j++) {
            cleanup_settings struct settings settings = {0};

            settings.value[i] = strdup("1");
            assert_int_equal(set(&settings, (enum setting)i, texts[j], pro(), &failure), 0);
            assert_null(settings.value[i]);
        }
    }
}

static void a_wrong_value_leaves_the_old_one(void **state)
{
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(set(&settings, SETTING_SEED, "7", pro(), &failure), 0);
    assert_int_equal(set(&settings, SETTING_SEED, "x", pro(), &failure), -EINVAL);
    assert_string_equal(settings.value[SETTING_SEED], "7");
}

static void text_must_be_utf8(void **state)
{
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    (void)state;
    failure_init(&failure);
    assert_int_equal(set(&settings, SETTING_SYSTEM_INSTRUCTION, "\xff", pro(), &failure), -EINVAL);
    assert_string_equal(failure.text, "system_instruction: it is not UTF-8 text.");
    assert_int_equal(
        settings_set(&settings, SETTING_SYSTEM_INSTRUCTION, "a\0b", 3, pro(), &failure), -EINVAL);
    assert_int_equal(set(&settings, SETTING_SYSTEM_INSTRUCTION, "\xc3\xa9", pro(), &failure), 0);
    assert_string_equal(settings.value[SETTING_SYSTEM_INSTRUCTION], "\xc3\xa9");
}

static void values_have_a_limit(void **state)
{
    static char text[SETTINGS_VALUE_MAX_BYTES + 2];
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[SETTINGS_VALUE_MAX_BYTES] = '\0';
    assert_int_equal(set(&settings, SETTING_SYSTEM_INSTRUCTION, text, pro(), &failure), 0);
    assert_int_equal(strlen(settings.value[SETTING_SYSTEM_INSTRUCTION]), SETTINGS_VALUE_MAX_BYTES);
    text[SETTINGS_VALUE_MAX_BYTES] = 'x';
    text[SETTINGS_VALUE_MAX_BYTES + 1] = '\0';
    assert_int_equal(set(&settings, SETTING_SYSTEM_INSTRUCTION, text, pro(), &failure), -EFBIG);
    assert_string_equal(failure.text, "system_instruction: longer than 16384 bytes.");
}

static void sentences_name_what_is_allowed(void **state)
{
    static const struct {
        enum setting setting;
        const char *text;
        const char *sentence;
    } rows[] = {
        {SETTING_ASPECT_RATIO, "16x9",
         "aspect_ratio: \"16x9\" is not allowed (did you mean 16:9?). Allowed: 1:1, 16:9, 9:16, "
         "4:3, 3:4, 3:2, 2:3, 21:9 (not set: the model chooses)."},
        {SETTING_ASPECT_RATIO, "16\n9",
         "aspect_ratio: \"16 9\" is not allowed. Allowed: 1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3, "
         "21:9 (not set: the model chooses)."},
        {SETTING_IMAGE_SIZE, "2k",
         "image_size: \"2k\" is not allowed (did you mean 2K?). Allowed: 1K, 2K."},
        {SETTING_IMAGE_SIZE, "4k", "image_size: \"4k\" is not allowed. Allowed: 1K, 2K."},
        {SETTING_COUNT_OF_PICTURES, "9",
         "count: \"9\" is not allowed. Allowed: a whole number from 1 to 8."},
        {SETTING_TEMPERATURE, "hot",
         "temperature: \"hot\" is not allowed. Allowed: a number from 0 to 2, at most 6 decimals."},
        {SETTING_SEED, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9",
         "seed: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\" is not allowed. Allowed: a whole "
         "number from -2147483648 to 2147483647."},
        {SETTING_RESPONSE_MODALITIES, "TEXT",
         "response_modalities: \"TEXT\" is not allowed. Allowed: IMAGE,TEXT (not set: that) or "
         "IMAGE."},
        {SETTING_SAFETY_HARASSMENT, "never",
         "safety_harassment: \"never\" is not allowed. Allowed: BLOCK_LOW_AND_ABOVE, "
         "BLOCK_MEDIUM_AND_ABOVE, BLOCK_ONLY_HIGH, BLOCK_NONE, OFF (not set: the API's own "
         "rule)."},
        {SETTING_REFERENCES, "none\ncat.png", "references: \"none\" stands alone, without names."},
    };
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(set(&settings, rows[i].setting, rows[i].text, pro(), &failure), -EINVAL);
        assert_string_equal(failure.text, rows[i].sentence);
    }
}

static void every_refusal_fits_its_sentence(void **state)
{
    const struct model_profile *widest =
        models_find_profile("gemini-3.1-flash-image-preview", true);
    struct failure failure;

    (void)state;
    for (int i = 0; i < SETTING_MAX; i++) {
        cleanup_settings struct settings settings = {0};
        int error = set(&settings, (enum setting)i,
                        "/////////////////////////////////////////////////////////////////////////",
                        widest, &failure);

        assert_int_equal(error, i == SETTING_SYSTEM_INSTRUCTION ? 0 : -EINVAL);
        if (error)
            assert_int_equal(failure.text[strlen(failure.text) - 1], '.');
    }
}

static void descriptions(void **state)
{
    static const struct {
        enum setting setting;
        const char *model;
        const char *text;
    } rows[] = {
        {SETTING_ASPECT_RATIO, "permissive",
         "WIDTH:HEIGHT, as in 16:9 (not set: the model chooses)"},
        {SETTING_IMAGE_SIZE, "gemini-2.5-flash-image-preview",
         "1K, 2K, 4K (at this API always sent as 1K)"},
        {SETTING_IMAGE_SIZE, "permissive", "1K, 2K, 4K, 512 or the like"},
        {SETTING_REFERENCES, "gemini-2.5-flash-image-preview",
         "all (not set: that), none, or at most 3 file names of the directory, one a line"},
        {SETTING_SYSTEM_INSTRUCTION, "permissive", "text, at most 16 KiB, sent with each prompt"},
        {SETTING_TOP_P, "permissive", "a number from 0 to 1, at most 6 decimals"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_buf struct buf buf;

        buf_init(&buf, 1024);
        assert_int_equal(
            settings_describe(rows[i].setting, models_find_profile(rows[i].model, false), &buf), 0);
        assert_string_equal(buf_text(&buf), rows[i].text);
    }
}

static void a_description_respects_the_buffer(void **state)
{
    (void)state;
    for (int i = 0; i < SETTING_MAX; i++) {
        cleanup_buf struct buf buf;

        buf_init(&buf, 3);
        assert_int_equal(settings_describe((enum setting)i, pro(), &buf), -EFBIG);
    }
}

static void names_are_found_again(void **state)
{
    static const char *const names[SETTING_MAX] = {
        "aspect_ratio",
        "image_size",
        "count",
        "references",
        "temperature",
        "top_p",
        "top_k",
        "seed",
        "max_output_tokens",
        "response_modalities",
        "system_instruction",
        "safety_harassment",
        "safety_hate_speech",
        "safety_sexually_explicit",
        "safety_dangerous_content",
    };

    (void)state;
    for (int i = 0; i < SETTING_MAX; i++) {
        assert_string_equal(settings_name((enum setting)i), names[i]);
        assert_int_equal(settings_find(names[i], strlen(names[i])), i);
    }
    assert_int_equal(settings_find("seed", 3), SETTING_MAX);
    assert_int_equal(settings_find("Seed", 4), SETTING_MAX);
    assert_int_equal(settings_find("", 0), SETTING_MAX);
}

static void overlay_and_copy(void **state)
{
    cleanup_settings struct settings base = {0};
    cleanup_settings struct settings over = {0};
    cleanup_settings struct settings copy = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(set(&base, SETTING_SEED, "1", pro(), &failure), 0);
    assert_int_equal(set(&base, SETTING_TOP_K, "2", pro(), &failure), 0);
    assert_int_equal(set(&over, SETTING_SEED, "3", pro(), &failure), 0);
    assert_int_equal(set(&copy, SETTING_TOP_P, "1", pro(), &failure), 0);
    assert_int_equal(settings_overlay(&base, &over), 0);
    assert_string_equal(base.value[SETTING_SEED], "3");
    assert_string_equal(base.value[SETTING_TOP_K], "2");
    assert_ptr_not_equal(base.value[SETTING_SEED], over.value[SETTING_SEED]);
    assert_int_equal(settings_copy(&copy, &base), 0);
    assert_string_equal(copy.value[SETTING_SEED], "3");
    assert_string_equal(copy.value[SETTING_TOP_K], "2");
    assert_null(copy.value[SETTING_TOP_P]);
    settings_fini(&base);
    assert_null(base.value[SETTING_SEED]);
    assert_string_equal(copy.value[SETTING_SEED], "3");
}

static void count_is_one_unless_set(void **state)
{
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(settings_count(&settings), 1);
    assert_int_equal(set(&settings, SETTING_COUNT_OF_PICTURES, "8", pro(), &failure), 0);
    assert_int_equal(settings_count(&settings), SETTINGS_COUNT_MAX);
}

static void one_line_may_hold_several_names(void **state)
{
    static const char text[] = "cat.jpg ,  dog.png,, my cat.webp";
    cleanup_settings struct settings settings = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(
        settings_set_line(&settings, SETTING_REFERENCES, text, strlen(text), pro(), &failure), 0);
    assert_string_equal(settings.value[SETTING_REFERENCES], "cat.jpg\ndog.png\nmy cat.webp");
    assert_int_equal(settings_set_line(&settings, SETTING_REFERENCES, " all ", 5, pro(), &failure),
                     0);
    assert_string_equal(settings.value[SETTING_REFERENCES], "all");
    assert_int_equal(settings_set_line(&settings, SETTING_REFERENCES, "", 0, pro(), &failure), 0);
    assert_null(settings.value[SETTING_REFERENCES]);
    assert_int_equal(
        settings_set_line(&settings, SETTING_SYSTEM_INSTRUCTION, "a, b", 4, pro(), &failure), 0);
    assert_string_equal(settings.value[SETTING_SYSTEM_INSTRUCTION], "a, b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_a_known_model),
        cmocka_unit_test(values_of_an_unknown_model),
        cmocka_unit_test(references),
        cmocka_unit_test(names_of_references_have_a_limit),
        cmocka_unit_test(number_of_references_has_a_limit),
        cmocka_unit_test(empty_unsets),
        cmocka_unit_test(a_wrong_value_leaves_the_old_one),
        cmocka_unit_test(text_must_be_utf8),
        cmocka_unit_test(values_have_a_limit),
        cmocka_unit_test(sentences_name_what_is_allowed),
        cmocka_unit_test(every_refusal_fits_its_sentence),
        cmocka_unit_test(descriptions),
        cmocka_unit_test(a_description_respects_the_buffer),
        cmocka_unit_test(names_are_found_again),
        cmocka_unit_test(overlay_and_copy),
        cmocka_unit_test(count_is_one_unless_set),
        cmocka_unit_test(one_line_may_hold_several_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
