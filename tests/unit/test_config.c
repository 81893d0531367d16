/* SPDX-License-Identifier: MIT
 *
 * Configuration files: precedence, faults, settings of the models; and what is printed: --help and
 * --print-config. The command line: test_options.c.
 */
#include "options_place.h"

#include <errno.h>

#include "conf/option_table.h"

static void the_command_line_goes_before_the_file(void **state)
{
    const struct place *place = *state;
    cleanup_options const struct options *options = NULL;

    write_file(place->config,
               "# mine\nsettle = 7\ndrain = 8\nforeground = yes\nmodels = a,\n  b=permissive\n"
               "api_key_file = ~/key\nfuse_options = allow_other\n",
               0644);
    options = parse("easelfs", "/mnt", "-o", "drain=9,ro", "--foreground=no", NULL);
    assert_int_equal(options->settle_ms, 7);
    assert_int_equal(options->drain_s, 9);
    assert_false(options->foreground);
    assert_int_equal(options->models.count, 2);
    assert_string_equal(options->models.models[1].name, "b");
    assert_non_null(strstr(options->api_key_file, place->directory));
    assert_non_null(strstr(options->fuse_options, "allow_other,ro"));
}

static void another_file_replaces_both(void **state)
{
    const struct place *place = *state;
    cleanup_options const struct options *options = NULL;
    char other[128];
    char argument[160];

    snprintf(other, sizeof(other), "%s/other", place->directory);
    snprintf(argument, sizeof(argument), "--config=%s", other);
    write_file(place->config, "settle = 7\n", 0600);
    write_file(other, "drain = 8\n", 0600);
    options = parse("easelfs", argument, "/mnt", NULL);
    assert_int_equal(options->settle_ms, 200);
    assert_int_equal(options->drain_s, 8);
}

/* @text in the configuration file gives @sentence, after the file's name. */
static void refuse_file(const struct place *place, const char *text, const char *sentence)
{
    char expected[FAILURE_TEXT_SIZE];

    write_file(place->config, text, 0600);
    snprintf(expected, sizeof(expected), "%s%s", place->config, sentence);
    refuse(EXIT_STATUS_CONFIG, expected, "easelfs", place->argument, "/mnt", NULL);
}

static void wrong_files(void **state)
{
    static const char indented[] =
        ":2: settle: its value goes on in the next line, because that begins with a blank. Begin "
        "each key at the start of its line.";
    const struct place *place = *state;

    refuse_file(place, "settel = 1\n", ":1: There is no option \"settel\"; did you mean settle?");
    refuse_file(place, "check = yes\n", ":1: check is for the command line only.");
    refuse_file(place, "\nsettle = -1\n",
                ":2: settle: -1 is out of range: 0 to 60000 milliseconds.");
    refuse_file(place, "\nsettle = 1\n drain = 2\n", indented);
    refuse_file(place, "store = here\n", ":1: store: \"here\" does not begin with / or ~/.");
    refuse_file(place, "settle\n", ":1: it is neither \"key = value\" nor \"[section]\".");
    refuse_file(place, "[other]\na = 1\n",
                ":2: There is no section [other]: it is [settings] or [model NAME].");
    refuse_file(place, "[model]\nseed = 1\n",
                ":2: There is no section [model]: it is [settings] or [model NAME].");
    refuse_file(place, "[settings]\nsettle = 1\n",
                ":2: There is no setting \"settle\" in section [settings].");
    refuse_file(place, "[settings]\nseed = x\n",
                ":2: seed: \"x\" is not allowed. Allowed: a whole number from -2147483648 to "
                "2147483647.");
    refuse_file(place, "[settings]\nseed = 1\n count = 2\n",
                ":2: seed: its value goes on in the next line, because that begins with a blank. "
                "Begin each key at the start of its line.");
    refuse_file(place, "[model a]\nprofile = permissive\n seed = 1\n",
                ":2: profile: its value goes on in the next line, because that begins with a "
                "blank. Begin each key at the start of its line.");
    refuse_file(place, "[model a]\nprofile = b\n",
                ":2: profile: there is none called \"b\". It is the name of a model that easelfs "
                "knows, or permissive.");
}

static void faults_seen_at_the_end_have_the_status_of_their_origin(void **state)
{
    const struct place *place = *state;

    write_file(place->config, "models = a, a\n", 0600);
    refuse(EXIT_STATUS_CONFIG, "models: The directory a of model a is taken already.", "easelfs",
           place->argument, "/mnt", NULL);
    refuse(EXIT_STATUS_USAGE, "models: The directory b of model b is taken already.", "easelfs",
           place->argument, "/mnt", "--models=b b", NULL);
    write_file(place->config, "url = http://h\n", 0600);
    refuse(EXIT_STATUS_CONFIG,
           "The URL is plain http to another machine: anyone on the way could read the key. Use "
           "https, or allow_http if that network is yours.",
           "easelfs", place->argument, "/mnt", NULL);
}

static void files_that_others_can_write(void **state)
{
    const struct place *place = *state;
    char expected[FAILURE_TEXT_SIZE];

    write_file(place->config, "settle = 1\n", 0660);
    snprintf(expected, sizeof(expected),
             "%s can be written by others (mode 0660), who could have your key sent anywhere.",
             place->config);
    refuse(EXIT_STATUS_CONFIG, expected, "easelfs", place->argument, "/mnt", NULL);
    if (geteuid() == 0) {
        write_file(place->config, "settle = 1\n", 0600);
        assert_int_equal(chown(place->config, 12345, (gid_t)-1), 0);
        snprintf(expected, sizeof(expected),
                 "%s belongs to another user, who could have your key sent anywhere.",
                 place->config);
        refuse(EXIT_STATUS_CONFIG, expected, "easelfs", place->argument, "/mnt", NULL);
    }
    assert_int_equal(unlink(place->config), 0);
    assert_int_equal(mkdir(place->config, 0700), 0);
    snprintf(expected, sizeof(expected), "%s is not a regular file.", place->config);
    refuse(EXIT_STATUS_CONFIG, expected, "easelfs", place->argument, "/mnt", NULL);
}

static const char *value_of(const struct model_list *list, const char *model, enum setting setting)
{
    return models_find(list, model)->settings.value[setting];
}

static void settings_of_the_models(void **state)
{
    const struct place *place = *state;
    cleanup_options const struct options *options = NULL;

    write_file(place->config,
               "models = gemini-3-pro-image-preview mine\n"
               "[settings]\nimage_size = 4K\naspect_ratio = 16:9\n"
               "system_instruction = Paint\n  in oil.\n"
               "references = a.png, b.png\n"
               "[model mine]\nprofile = gemini-2.5-flash-image-preview\naspect_ratio = 1:1\n"
               "seed = 7\n"
               "[model gone]\nseed = 1\n",
               0600);
    options = parse("easelfs", place->argument, "/mnt", NULL);
    assert_null(value_of(&options->models, "gemini-3-pro-image-preview", SETTING_IMAGE_SIZE));
    assert_string_equal(
        value_of(&options->models, "gemini-3-pro-image-preview", SETTING_ASPECT_RATIO), "16:9");
    assert_string_equal(value_of(&options->models, "mine", SETTING_IMAGE_SIZE), "4K");
    assert_string_equal(value_of(&options->models, "mine", SETTING_ASPECT_RATIO), "1:1");
    assert_string_equal(value_of(&options->models, "mine", SETTING_SEED), "7");
    assert_string_equal(value_of(&options->models, "mine", SETTING_SYSTEM_INSTRUCTION),
                        "Paint\nin oil.");
    assert_string_equal(value_of(&options->models, "mine", SETTING_REFERENCES), "a.png\nb.png");
    assert_string_equal(models_find(&options->models, "mine")->profile->name,
                        "gemini-2.5-flash-image-preview");
    assert_string_equal(options->notes,
                        "[settings] is not used for gemini-3-pro-image-preview: image_size: \"4K\" "
                        "is not allowed. Allowed: 1K, 2K.\n"
                        "[model gone] is not used: it is not in models.\n");
}

static void sections_have_a_limit(void **state)
{
    const struct place *place = *state;
    cleanup_buf struct buf text;
    char expected[FAILURE_TEXT_SIZE];

    buf_init(&text, 65536);
    for (int i = 0; i < MODELS_MAX; i++)
        assert_int_equal(buf_printf(&text, "[model m%d]\nseed = 1\n", i), 0);
    write_file(place->config, buf_text(&text), 0600);
    options_destroy(parse("easelfs", place->argument, "/mnt", NULL));
    assert_int_equal(buf_append_text(&text, "[model more]\nseed = 1\n"), 0);
    write_file(place->config, buf_text(&text), 0600);
    snprintf(expected, sizeof(expected), "%s:514: More than 256 sections for models.",
             place->config);
    refuse(EXIT_STATUS_CONFIG, expected, "easelfs", place->argument, "/mnt", NULL);
}

static void a_setting_that_its_own_model_does_not_take(void **state)
{
    const struct place *place = *state;

    write_file(place->config, "[model gemini-3-pro-image-preview]\nimage_size = 4K\n", 0600);
    refuse(EXIT_STATUS_CONFIG,
           "[model gemini-3-pro-image-preview] image_size: \"4K\" is not allowed. Allowed: 1K, 2K.",
           "easelfs", place->argument, "/mnt", NULL);
    options_destroy(parse("easelfs", place->argument, "https://generativelanguage.googleapis.com",
                          "/mnt", NULL));
}

static void models_that_are_known_later(void **state)
{
    static const char *const names[] = {"models/gemini-3-pro-image-preview", "x:y", "mine", "mine"};
    const struct place *place = *state;
    cleanup_options const struct options *options = NULL;
    cleanup_models struct model_list list = {0};

    write_file(place->config,
               "models = auto\n[settings]\nimage_size = 8K\n[model mine]\nseed = 7\n", 0600);
    options = parse("easelfs", place->argument, "/mnt", NULL);
    assert_true(options->models.automatic);
    assert_int_equal(options->models.count, 0);
    assert_string_equal(options->notes, "");
    assert_int_equal(options_make_models(options, names, 4, &list), 0);
    assert_int_equal(list.count, 2);
    assert_null(value_of(&list, "gemini-3-pro-image-preview", SETTING_IMAGE_SIZE));
    assert_string_equal(value_of(&list, "mine", SETTING_IMAGE_SIZE), "8K");
    assert_string_equal(value_of(&list, "mine", SETTING_SEED), "7");
}

static void the_printed_configuration_reads_back(void **state)
{
    const struct place *place = *state;
    const struct options *options;
    cleanup_buf struct buf first;
    cleanup_buf struct buf second;

    buf_init(&first, 65536);
    buf_init(&second, 65536);
    write_file(place->config,
               "url = https://generativelanguage.googleapis.com\nmodels = a=permissive\n "
               "gemini-3-pro-image-preview=permissive\n mine\nsettle = 3\nmax_request = 1000K\n"
               "api_key_file = /k\nresult_hosts = a b:1\nfuse_options = ro\ndemo = no\n"
               "[settings]\nsystem_instruction = one\n two\ntemperature = 0.50\n"
               "[model mine]\nprofile = gemini-2.5-flash-image\nimage_size = 1K\n"
               "[model empty]\nseed =\n",
               0600);
    setenv("HOME", "/home/of/nobody", 1);
    options = parse("easelfs", place->argument, "/mnt", NULL);
    assert_int_equal(options_print_config(options, &first), 0);
    options_destroy(options);
    assert_string_equal(buf_text(&first), "demo = no\n"
                                          "url = https://generativelanguage.googleapis.com\n"
                                          "api_key_file = /k\n"
                                          "auth = goog\n"
                                          "models = a\n"
                                          " gemini-3-pro-image-preview=permissive\n"
                                          " mine=gemini-2.5-flash-image\n"
                                          "allow_http = no\n"
                                          "ca_file =\n"
                                          "result_hosts = a\n"
                                          " b:1\n"
                                          "timeout = 600\n"
                                          "connect_timeout = 15\n"
                                          "max_request = 1000K\n"
                                          "max_response = 256M\n"
                                          "settle = 3\n"
                                          "max_in_flight = 16\n"
                                          "max_in_flight_per_model = 0\n"
                                          "requests_per_minute = 0\n"
                                          "images_per_day = 200\n"
                                          "user_images_per_day = 0\n"
                                          "user_unfinished_jobs = 0\n"
                                          "user_bytes = 0\n"
                                          "retry_server_errors = 0\n"
                                          "resend = ask\n"
                                          "drain = 300\n"
                                          "disk_reserve = 5\n"
                                          "answer_room = 32M\n"
                                          "keep_records = 365\n"
                                          "store = /home/of/nobody/.local/share/easelfs\n"
                                          "shared = no\n"
                                          "foreground = no\n"
                                          "debug = no\n"
                                          "single_threaded = no\n"
                                          "log_level = info\n"
                                          "debuggable = no\n"
                                          "keep_privileges = no\n"
                                          "no_landlock = no\n"
                                          "no_seccomp = no\n"
                                          "fuse_options = ro\n"
                                          "\n"
                                          "[settings]\n"
                                          "temperature = 0.5\n"
                                          "system_instruction = one\n"
                                          " two\n"
                                          "\n"
                                          "[model mine]\n"
                                          "profile = gemini-2.5-flash-image\n"
                                          "image_size = 1K\n");
    write_file(place->config, buf_text(&first), 0600);
    options = parse("easelfs", place->argument, "/mnt", NULL);
    assert_int_equal(options_print_config(options, &second), 0);
    options_destroy(options);
    assert_string_equal(buf_text(&second), buf_text(&first));
}

static void help_names_every_option_once(void **state)
{
    size_t count;
    const struct option_spec *spec = option_table(&count);
    cleanup_buf struct buf help;

    (void)state;
    buf_init(&help, 65536);
    assert_int_equal(options_print_help(&help), 0);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        const char *at;

        snprintf(name, sizeof(name), " --%s%s", spec[i].name, spec[i].argument ? "=" : " ");
        for (char *c = name + 3; *c; c++)
            *c = *c == '_' ? '-' : *c;
        at = strstr(strstr(buf_text(&help), "\nStart:"), name);
        assert_non_null(at);
        assert_non_null(strstr(at, spec[i].help));
    }
    for (const char *line = buf_text(&help); *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 100);
}

static void printing_respects_the_buffer(void **state)
{
    cleanup_options const struct options *options = parse("easelfs", NOFILE, "/mnt", NULL);
    cleanup_buf struct buf whole;

    (void)state;
    buf_init(&whole, 65536);
    assert_int_equal(options_print_config(options, &whole), 0);
    for (size_t max = 0; max < whole.length; max++) {
        cleanup_buf struct buf part;

        buf_init(&part, max);
        assert_int_equal(options_print_config(options, &part), -EFBIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(the_command_line_goes_before_the_file),
        each(another_file_replaces_both),
        each(wrong_files),
        each(faults_seen_at_the_end_have_the_status_of_their_origin),
        each(files_that_others_can_write),
        each(settings_of_the_models),
        each(sections_have_a_limit),
        each(a_setting_that_its_own_model_does_not_take),
        each(models_that_are_known_later),
        each(the_printed_configuration_reads_back),
        each(help_names_every_option_once),
        each(printing_respects_the_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
