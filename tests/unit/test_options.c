/* SPDX-License-Identifier: MIT
 *
 * The command line, and the value of each option. Configuration files: test_config.c.
 */
#include "options_place.h"

#include <inttypes.h>
#include <limits.h>

#include "conf/option_table.h"
#include "conf/url.h"

static void defaults(void **state)
{
    const struct place *place = *state;
    cleanup_options const struct options *options = parse("easelfs", NOFILE, "/mnt", NULL);
    char store[128];

    snprintf(store, sizeof(store), "%s/.local/share/easelfs", place->directory);
    assert_false(options->help || options->version || options->print_config || options->check);
    assert_false(options->demo || options->foreground || options->debug);
    assert_false(options->single_threaded || options->google || options->allow_http);
    assert_false(options->debuggable || options->keep_privileges);
    assert_false(options->no_landlock || options->no_seccomp);
    assert_int_equal(options->log_level, LOG_LEVEL_INFO);
    assert_string_equal(options->mountpoint, "/mnt");
    assert_string_equal(options->url, "https://octopusx.ai");
    assert_string_equal(options->store, store);
    assert_null(options->api_key_file);
    assert_null(options->ca_file);
    assert_int_equal(options->auth, AUTH_BEARER);
    assert_int_equal(options->timeout_s, 600);
    assert_int_equal(options->connect_timeout_s, 15);
    assert_int_equal(options->max_response_bytes, 268435456);
    assert_int_equal(options->max_request_bytes, 20971520);
    assert_int_equal(options->result_host_count, 0);
    assert_int_equal(options->models.count, 3);
    assert_int_equal(options->settle_ms, 200);
    assert_int_equal(options->max_in_flight, 16);
    assert_int_equal(options->drain_s, 300);
    assert_int_equal(options->resend, RESEND_ASK);
    assert_int_equal(options->retry_server_errors, 0);
    assert_int_equal(options->images_per_day, 200);
    assert_int_equal(options->user_images_per_day, 0);
    assert_int_equal(options->user_unfinished_jobs, 0);
    assert_int_equal(options->user_bytes, 0);
    assert_int_equal(options->requests_per_minute, 0);
    assert_int_equal(options->disk_reserve_percent, 5);
    assert_int_equal(options->answer_room_bytes, 33554432);
    assert_int_equal(options->keep_records_days, 365);
    assert_string_equal(options->fuse_options, "");
    assert_string_equal(options->notes, "");
}

/* As "--max-in-flight", or with @prefix as an -o option. */
static void spell(const struct option_spec *spec, bool dashed, int64_t value, char text[64])
{
    snprintf(text, 64, "%s%s=%" PRId64, dashed ? "--" : "", spec->name, value);
    for (char *c = text; dashed && *c != '='; c++)
        *c = *c == '_' ? '-' : *c;
}

enum spelling { SPELLED_LONG, SPELLED_MOUNT, SPELLED_FILE, SPELLING_MAX };

static enum exit_status give_number(const struct place *place, const struct option_spec *spec,
                                    enum spelling spelling, int64_t value,
                                    const struct options **options, struct failure *failure)
{
    char text[64];
    enum exit_status status;

    spell(spec, spelling == SPELLED_LONG, value, text);
    if (spelling == SPELLED_LONG)
        return attempt(options, failure, "easelfs", NOFILE, "/mnt", text, NULL);
    if (spelling == SPELLED_MOUNT)
        return attempt(options, failure, "easelfs", NOFILE, "/mnt", "-o", text, NULL);
    write_file(place->config, text, 0600);
    status = attempt(options, failure, "easelfs", place->argument, "/mnt", NULL);
    assert_int_equal(unlink(place->config), 0);
    return status;
}

static void check_number(const struct place *place, const struct option_spec *spec,
                         enum spelling spelling)
{
    const int64_t good[] = {spec->low, spec->high};
    const int64_t bad[] = {spec->low - 1, spec->high + 1};
    const struct options *options;
    struct failure failure;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(give_number(place, spec, spelling, good[i], &options, &failure),
                         EXIT_STATUS_OK);
        assert_int_equal(*(const uint64_t *)((const char *)options + spec->offset), good[i]);
        options_destroy(options);
        assert_int_equal(give_number(place, spec, spelling, bad[i], &options, &failure),
                         spelling == SPELLED_FILE ? EXIT_STATUS_CONFIG : EXIT_STATUS_USAGE);
        assert_non_null(strstr(failure.text, spec->unit));
    }
}

static void every_number_keeps_its_range_in_every_spelling(void **state)
{
    size_t count;
    const struct option_spec *spec = option_table(&count);
    int numbers = 0;

    for (size_t i = 0; i < count; i++) {
        if (spec[i].kind != OPTION_NUMBER && spec[i].kind != OPTION_BYTES)
            continue;
        for (int j = 0; j < SPELLING_MAX; j++)
            check_number(*state, &spec[i], (enum spelling)j);
        numbers++;
    }
    assert_int_equal(numbers, 17);
}

static void long_options(void **state)
{
    cleanup_options const struct options *options =
        parse("easelfs", NOFILE, "--max_in_flight", "3", "--api-key-file=/k", "--allow-http",
              "--single-threaded=no", "--debug", "--auth=goog", "--resend", "always",
              "http://gate.lan/", "--log-level=error", "/mnt",
              "--result-hosts=A.lan, [FD00::1]:80, *.b.lan, 10.1.0.0/16", NULL);

    (void)state;
    assert_int_equal(options->max_in_flight, 3);
    assert_string_equal(options->api_key_file, "/k");
    assert_true(options->allow_http);
    assert_false(options->single_threaded);
    assert_true(options->debug);
    assert_true(options->foreground);
    assert_int_equal(options->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(options->auth, AUTH_GOOG);
    assert_int_equal(options->resend, RESEND_ALWAYS);
    assert_string_equal(options->url, "http://gate.lan");
    assert_string_equal(options->mountpoint, "/mnt");
    assert_int_equal(options->result_host_count, 4);
    assert_string_equal(options->result_hosts[0], "a.lan");
    assert_string_equal(options->result_hosts[1], "[fd00::1]:80");
    assert_string_equal(options->result_hosts[2], "*.b.lan");
    assert_string_equal(options->result_hosts[3], "10.1.0.0/16");
}

static void short_options(void **state)
{
    cleanup_options const struct options *a =
        parse("easelfs", NOFILE, "-fs", "-osettle=0,allow_other", "-o", "ro,demo", "/mnt", NULL);
    cleanup_options const struct options *b =
        parse("easelfs", NOFILE, "-dosettle=1", "--", "-mnt", NULL);
    cleanup_options const struct options *help = parse("easelfs", "-h", NULL);
    cleanup_options const struct options *version = parse("easelfs", "-V", "-f", NULL);
    char mountpoint[PATH_MAX];

    (void)state;
    assert_true(a->foreground && a->single_threaded && a->demo);
    assert_false(a->debug);
    assert_int_equal(a->settle_ms, 0);
    assert_string_equal(a->fuse_options, "allow_other,ro");
    assert_int_equal(b->settle_ms, 1);
    assert_true(b->debug);
    assert_non_null(getcwd(mountpoint, sizeof(mountpoint) - 8));
    memcpy(mountpoint + strlen(mountpoint), "/-mnt", 6);
    assert_string_equal(b->mountpoint, mountpoint);
    assert_true(help->help);
    assert_true(version->version);
}

static void mount_options(void **state)
{
    cleanup_options const struct options *fstab = parse(
        "easelfs", "https://generativelanguage.googleapis.com/v1beta", "/mnt", "-o",
        "rw,noauto,user,user=alice,nofail,_netdev,x-systemd.automount,X-mount.mkdir=0755,defaults,"
        "comment=a,config=/dev/null,settle=5,noexec,nosuid,dev,suid,exec,noexec,"
        "fsname=x,subtype=easelfs,relatime,default_permissions,max_read=4096,,models=a b\\,c",
        NULL);

    (void)state;
    assert_string_equal(fstab->url, "https://generativelanguage.googleapis.com");
    assert_true(fstab->google);
    assert_int_equal(fstab->auth, AUTH_GOOG);
    assert_string_equal(fstab->fuse_options, "rw,max_read=4096");
    assert_int_equal(fstab->settle_ms, 5);
    assert_int_equal(fstab->models.count, 3);
    assert_string_equal(fstab->models.models[2].name, "c");
}

static void shared_is_for_everybody(void **state)
{
    cleanup_options const struct options *plain =
        parse("easelfs", "/mnt", "--config=/dev/null", "-o", "shared", NULL);
    cleanup_options const struct options *more = parse(
        "easelfs", "/mnt", "--config=/dev/null", "-o", "store=/s,ro,allow_other,multiuser", NULL);
    cleanup_options const struct options *demo =
        parse("easelfs", "/mnt", "--config=/dev/null", "--demo", "--shared", NULL);

    (void)state;
    assert_true(plain->shared);
    assert_string_equal(plain->store, "/var/lib/easelfs");
    assert_string_equal(plain->fuse_options, "allow_other");
    assert_true(more->shared);
    assert_string_equal(more->store, "/s");
    assert_string_equal(more->fuse_options, "ro,allow_other");
    assert_string_equal(demo->store, "/var/lib/easelfs-demo");
    refuse(EXIT_STATUS_CONFIG, "shared is for all users: leave allow_root out.", "easelfs", "/mnt",
           "--config=/dev/null", "-o", "shared,allow_root", NULL);
}

static void permissions_are_always_checked(void **state)
{
    static const char *const tries[] = {"no_default_permissions", "nodefault_permissions",
                                        "default_permissions=0", "default_permissions=no"};
    char sentence[FAILURE_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        snprintf(sentence, sizeof(sentence),
                 "-o: \"%s\": the kernel always checks permissions; that cannot be switched off.",
                 tries[i]);
        refuse(EXIT_STATUS_USAGE, sentence, "easelfs", "/mnt", "--config=/dev/null", "-o", tries[i],
               NULL);
    }
}

static void called_by_mount(void **state)
{
    cleanup_options const struct options *options =
        parse("/sbin/mount.easelfs", "none", "/mnt", "-s", "-n", "-v", "-t", "fuse.easelfs", "-N",
              "12", "-o", "config=/dev/null,bogus,ro", NULL);
    cleanup_options const struct options *fake =
        parse("mount.fuse.easelfs", "none", "/mnt", "-fo", "config=/dev/null", NULL);

    (void)state;
    assert_string_equal(options->url, url_default);
    assert_string_equal(options->fuse_options, "ro");
    assert_false(options->single_threaded || options->foreground || options->check);
    assert_true(fake->check);
    assert_false(fake->foreground);
}

static void no_mountpoint_is_needed_for_questions(void **state)
{
    cleanup_options const struct options *a = parse("easelfs", NOFILE, "--check", NULL);
    cleanup_options const struct options *b =
        parse("easelfs", NOFILE, "--print-config", "https://h", NULL);

    (void)state;
    assert_true(a->check);
    assert_null(a->mountpoint);
    assert_true(b->print_config);
    assert_string_equal(b->url, "https://h");
}

static void wrong_command_lines(void **state)
{
    static const char missing[] =
        "MOUNTPOINT is missing: easelfs [OPTIONS] [URL] MOUNTPOINT. Try easelfs --help.";
    static const char key[] =
        "The key is no option: everyone on this machine could read it. Save it in a file of mode "
        "600 and name that with api_key_file.";
    const enum exit_status usage = EXIT_STATUS_USAGE;

    (void)state;
    refuse(usage, missing, "easelfs", NOFILE, NULL);
    refuse(usage, missing, "easelfs", NOFILE, "https://h", NULL);
    refuse(usage, "MOUNTPOINT is empty.", "easelfs", NOFILE, "", NULL);
    refuse(usage, "\"c\" is one argument too many: there are only URL and MOUNTPOINT.", "easelfs",
           NOFILE, "https://h", "b", "c", NULL);
    refuse(usage, "The URL does not begin with https://.", "easelfs", NOFILE, "h", "/mnt", NULL);
    refuse(usage, "--settel: there is no such option; did you mean settle?", "easelfs", "--settel",
           "/mnt", NULL);
    refuse(usage, "--xyzzy: there is no such option.", "easelfs", "--xyzzy=1", NULL);
    refuse(usage, "-o max_inflight: there is no such option; did you mean max_in_flight?",
           "easelfs", "/mnt", "-o", "max_inflight=3", NULL);
    refuse(usage, "-x: there is no such option.", "easelfs", "-fx", "/mnt", NULL);
    refuse(usage, "-o: its list of options is missing.", "easelfs", "/mnt", "-o", NULL);
    refuse(usage, "--settle: Its value (MS) is missing.", "easelfs", NOFILE, "/mnt", "--settle",
           NULL);
    refuse(usage, "-o settle: Its value (MS) is missing.", "easelfs", NOFILE, "/mnt", "-osettle",
           NULL);
    refuse(usage, "--settle: \"5s\" is not a whole number of milliseconds: 0 to 60000.", "easelfs",
           NOFILE, "/mnt", "--settle", "5s", NULL);
    refuse(usage, "--settle: 60001 is out of range: 0 to 60000 milliseconds.", "easelfs", NOFILE,
           "/mnt", "--settle=60001", NULL);
    refuse(usage,
           "--max-request: \"big\" is not a whole number of bytes (with K, M or G): 1K to "
           "2G.",
           "easelfs", NOFILE, "/mnt", "--max-request=big", NULL);
    refuse(usage, "--auth: \"basic\" is not one of: bearer, goog.", "easelfs", NOFILE, "/mnt",
           "--auth=basic", NULL);
    refuse(usage, "--demo: \"maybe\" is neither yes nor no.", "easelfs", NOFILE, "/mnt",
           "--demo=maybe", NULL);
    refuse(usage, "demo mounts a stand-in API: leave the URL out.", "easelfs", NOFILE, "--demo",
           "https://h", "/mnt", NULL);
    refuse(usage, "--result-hosts: \"https://h\" is not HOST, HOST:PORT, *.NAME or NETWORK/BITS.",
           "easelfs", NOFILE, "/mnt", "--result-hosts=https://h", NULL);
    refuse(usage,
           "models: \"-rf\" is not a model's name: letters, digits and . _ - / only, at "
           "most 128.",
           "easelfs", NOFILE, "/mnt", "--models=-rf", NULL);
    refuse(usage, "--fuse-options: \"nonsense\" is not a mount option.", "easelfs", NOFILE, "/mnt",
           "--fuse-options=ro,nonsense", NULL);
    refuse(usage, key, "easelfs", "--api-key=sk-SECRET", "/mnt", NULL);
    refuse(usage, key, "easelfs", "-o", "api_key=sk-SECRET", "/mnt", NULL);
    refuse(EXIT_STATUS_CONFIG, "/nowhere/x.conf: No such file or directory.", "easelfs",
           "--config=/nowhere/x.conf", "/mnt", NULL);
}

static void lists_of_hosts_have_a_limit(void **state)
{
    cleanup_buf struct buf hosts;
    const struct options *options;

    (void)state;
    buf_init(&hosts, 4096);
    assert_int_equal(buf_append_text(&hosts, "--result-hosts="), 0);
    for (int i = 0; i < OPTIONS_RESULT_HOSTS_MAX; i++)
        assert_int_equal(buf_printf(&hosts, "h%d ", i), 0);
    options = parse("easelfs", NOFILE, "/mnt", buf_text(&hosts), NULL);
    assert_int_equal(options->result_host_count, OPTIONS_RESULT_HOSTS_MAX);
    options_destroy(options);
    assert_int_equal(buf_append_text(&hosts, "more"), 0);
    refuse(EXIT_STATUS_USAGE, "--result-hosts: More than 64 hosts.", "easelfs", NOFILE, "/mnt",
           buf_text(&hosts), NULL);
}

static void values_have_a_limit(void **state)
{
    char *value = malloc(65536 + 32);
    size_t length = strlen("--models=");

    (void)state;
    assert_non_null(value);
    memcpy(value, "--models=", length);
    memset(value + length, ' ', 65537);
    value[length] = 'm';
    value[length + 65536] = '\0';
    options_destroy(parse("easelfs", NOFILE, "/mnt", value, NULL));
    value[length + 65536] = ' ';
    value[length + 65537] = '\0';
    refuse(EXIT_STATUS_USAGE, "--models: Its value is longer than 65536 bytes.", "easelfs", NOFILE,
           "/mnt", value, NULL);
    free(value);
}

static void paths(void **state)
{
    const struct place *place = *state;
    cleanup_options const struct options *options = NULL;
    char expected[PATH_MAX];
    char cwd[PATH_MAX - 16];

    assert_non_null(getcwd(cwd, sizeof(cwd)));
    options = parse("easelfs", NOFILE, "mnt", "--store=some/store", "--ca-file=~/ca.pem",
                    "--api-key-file=", NULL);
    snprintf(expected, sizeof(expected), "%s/mnt", cwd);
    assert_string_equal(options->mountpoint, expected);
    snprintf(expected, sizeof(expected), "%s/some/store", cwd);
    assert_string_equal(options->store, expected);
    snprintf(expected, sizeof(expected), "%s/ca.pem", place->directory);
    assert_string_equal(options->ca_file, expected);
    assert_null(options->api_key_file);
}

static void paths_have_a_limit(void **state)
{
    char text[PATH_MAX + 16] = "--store=";
    size_t length = strlen(text);
    const struct options *options;

    (void)state;
    memset(text + length, '/', PATH_MAX);
    text[length + PATH_MAX] = '\0';
    refuse(EXIT_STATUS_USAGE, "--store: The path is longer than 4095 bytes.", "easelfs", NOFILE,
           "/mnt", text, NULL);
    text[length + PATH_MAX - 1] = '\0';
    options = parse("easelfs", NOFILE, "/mnt", text, NULL);
    assert_int_equal(strlen(options->store), PATH_MAX - 1);
    options_destroy(options);
    setenv("HOME", text + length - 1, 1); /* "=///": no home */
    refuse(EXIT_STATUS_USAGE, "--store: There is no $HOME for \"~\".", "easelfs", NOFILE, "/mnt",
           "--store=~/x", NULL);
    setenv("HOME", text + length, 1);
    refuse(EXIT_STATUS_USAGE, "--store: The path is longer than 4095 bytes.", "easelfs", NOFILE,
           "/mnt", "--store=~/x", NULL);
}

static void hosts_have_a_limit(void **state)
{
    char text[300] = "--result-hosts=";
    size_t length = strlen(text);
    const struct options *options;

    (void)state;
    memset(text + length, 'h', 260);
    options = parse("easelfs", NOFILE, "/mnt", text, NULL);
    assert_int_equal(strlen(options->result_hosts[0]), 260);
    options_destroy(options);
    text[length + 260] = 'h';
    refuse(
        EXIT_STATUS_USAGE,
        "--result-hosts: \"hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh\" is not "
        "HOST, HOST:PORT, *.NAME or NETWORK/BITS.",
        "easelfs", NOFILE, "/mnt", text, NULL);
}

static void mount_options_have_a_limit(void **state)
{
    char text[4096 + 32] = "rw,context=";
    const struct options *options;

    (void)state;
    memset(text + strlen(text), 'c', 4096 - strlen(text));
    options = parse("easelfs", NOFILE, "/mnt", "-o", text, NULL);
    assert_string_equal(options->fuse_options, text);
    options_destroy(options);
    text[4096] = 'c';
    refuse(EXIT_STATUS_USAGE, "-o: The mount options are longer than 4096 bytes.", "easelfs",
           NOFILE, "/mnt", "-o", text, NULL);
}

static void names_too_long_to_be_meant(void **state)
{
    (void)state;
    refuse(EXIT_STATUS_USAGE, "--retry-server-errors-retry-server-errors: there is no such option.",
           "easelfs", "--retry-server-errors-retry-server-errors", "/mnt", NULL);
}

static void stores(void **state)
{
    const struct place *place = *state;
    cleanup_options const struct options *data = NULL;
    cleanup_options const struct options *demo = NULL;
    cleanup_options const struct options *ignored = NULL;
    char expected[128];

    setenv("XDG_DATA_HOME", "/srv/data", 1);
    data = parse("easelfs", NOFILE, "/mnt", NULL);
    assert_string_equal(data->store, "/srv/data/easelfs");
    demo = parse("easelfs", NOFILE, "--demo", "/mnt", NULL);
    assert_string_equal(demo->store, "/srv/data/easelfs-demo");
    options_destroy(demo);
    demo = parse("easelfs", NOFILE, "--demo", "--store=/srv/own", "/mnt", NULL);
    assert_string_equal(demo->store, "/srv/own");
    options_destroy(demo);
    write_file(place->config, "store = /srv/own\n", 0600);
    demo = parse("easelfs", place->argument, "--demo", "/mnt", NULL);
    assert_string_equal(demo->store, "/srv/own-demo");
    options_destroy(demo);
    write_file(place->config, "store = /srv/own-demo\n", 0600);
    demo = parse("easelfs", place->argument, "--demo", "/mnt", NULL);
    assert_string_equal(demo->store, "/srv/own-demo");
    setenv("XDG_DATA_HOME", "relative", 1);
    ignored = parse("easelfs", NOFILE, "/mnt", NULL);
    snprintf(expected, sizeof(expected), "%s/.local/share/easelfs", place->directory);
    assert_string_equal(ignored->store, expected);
    unsetenv("HOME");
    refuse(EXIT_STATUS_CONFIG, "store: there is no $HOME to keep things in. Name a directory.",
           "easelfs", NOFILE, "/mnt", NULL);
    refuse(EXIT_STATUS_USAGE, "--store: There is no $HOME for \"~\".", "easelfs", NOFILE, "/mnt",
           "--store=~/x", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(defaults),
        each(every_number_keeps_its_range_in_every_spelling),
        each(long_options),
        each(short_options),
        each(mount_options),
        each(shared_is_for_everybody),
        each(permissions_are_always_checked),
        each(called_by_mount),
        each(no_mountpoint_is_needed_for_questions),
        each(wrong_command_lines),
        each(lists_of_hosts_have_a_limit),
        each(values_have_a_limit),
        each(paths),
        each(paths_have_a_limit),
        each(hosts_have_a_limit),
        each(mount_options_have_a_limit),
        each(names_too_long_to_be_meant),
        each(stores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
