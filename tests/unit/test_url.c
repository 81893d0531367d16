/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conf/url.h"

static void normal_forms(void **state)
{
    static const struct {
        const char *text, *normal;
    } rows[] = {
        {"https://octopusx.ai", "https://octopusx.ai"},
        {"https://octopusx.ai/", "https://octopusx.ai"},
        {"https://octopusx.ai///", "https://octopusx.ai"},
        {"https://octopusx.ai/v1beta", "https://octopusx.ai"},
        {"https://octopusx.ai/v1beta/", "https://octopusx.ai"},
        {"HTTPS://OctopusX.AI", "https://octopusx.ai"},
        {"https://h:443", "https://h"},
        {"https://h:80", "https://h:80"},
        {"https://h:8443/Gate/Way/", "https://h:8443/Gate/Way"},
        {"https://h/gate/v1beta", "https://h/gate"},
        {"https://h/v1beta//v1beta/", "https://h"},
        {"https://h/xv1beta", "https://h/xv1beta"},
        {"http://localhost:80", "http://localhost"},
        {"http://LOCALHOST:3000/api", "http://localhost:3000/api"},
        {"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
        {"http://127.255.0.3", "http://127.255.0.3"},
        {"http://[::1]:9", "http://[::1]:9"},
        {"https://[2001:DB8::1]/x", "https://[2001:db8::1]/x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_free char *url = NULL;
        struct failure failure;

        assert_int_equal(url_normalise(rows[i].text, false, &url, &failure), 0);
        assert_string_equal(url, rows[i].normal);
    }
}

static void refused(void **state)
{
    static const char no_scheme[] = "The URL does not begin with https://.";
    static const char no_host[] = "The URL has no valid host name in it.";
    static const char no_port[] = "The port in the URL is not a number from 1 to 65535.";
    static const char no_path[] = "The path in the URL is not valid.";
    static const char user[] = "The URL has a user or password before its \"@\": a key does not "
                               "belong there, use api_key_file.";
    static const char query[] = "The URL has a \"?\" or \"#\" in it: a key does not belong there, "
                                "use api_key_file; nor does anything else.";
    static const char blank[] = "The URL has blanks or control characters in it.";
    static const char plain[] = "The URL is plain http to another machine: anyone on the way could "
                                "read the key. Use https, or allow_http if that network is yours.";
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"", no_scheme},
        {"octopusx.ai", no_scheme},
        {"ftp://h", no_scheme},
        {"file:///etc/passwd", no_scheme},
        {"https:/h", no_scheme},
        {"https://", no_host},
        {"https:///x", no_host},
        {"https://.h", no_host},
        {"https://h\\x", no_host},
        {"https://[::1", no_host},
        {"https://[]", no_host},
        {"https://[::1%25lo]", no_host},
        {"https://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]", no_host},
        {"https://[::1]x", no_port},
        {"https://h:", no_port},
        {"https://h:0", no_port},
        {"https://h:65536", no_port},
        {"https://h:8x", no_port},
        {"https://h/a/../b", no_path},
        {"https://h/./b", no_path},
        {"https://h/..", no_path},
        {"https://h//b", no_path},
        {"https://h/\"", no_path},
        {"https://h/\xc3\xa9", no_path},
        {"https://sk-SECRET@h", user},
        {"https://u:sk-SECRET@h/x", user},
        {"sk-SECRET@h", user},
        {"https://h?key=sk-SECRET", query},
        {"https://h/x#sk-SECRET", query},
        {"https://h /x", blank},
        {"https://h\n", blank},
        {"http://octopusx.ai", plain},
        {"http://10.0.0.1", plain},
        {"http://127.0.0.1.example.com", plain},
        {"http://128.0.0.1", plain},
        {"http://localhost.example.com", plain},
        {"http://[::2]", plain},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct failure failure;
        char *url = NULL;

        assert_int_equal(url_normalise(rows[i].text, false, &url, &failure), -EINVAL);
        assert_null(url);
        assert_string_equal(failure.text, rows[i].sentence);
    }
}

static void plain_http_can_be_allowed(void **state)
{
    cleanup_free char *url = NULL;
    struct failure failure;

    (void)state;
    assert_int_equal(url_normalise("http://gateway.lan:4000", true, &url, &failure), 0);
    assert_string_equal(url, "http://gateway.lan:4000");
}

static void urls_have_a_limit(void **state)
{
    char text[URL_MAX_BYTES + 2] = "https://h/";
    struct failure failure;
    char *url = NULL;

    (void)state;
    memset(text + strlen(text), 'p', sizeof(text) - strlen(text) - 1);
    text[URL_MAX_BYTES + 1] = '\0';
    assert_int_equal(url_normalise(text, false, &url, &failure), -EINVAL);
    assert_string_equal(failure.text, "The URL is longer than 1024 bytes.");
    text[URL_MAX_BYTES] = '\0';
    assert_int_equal(url_normalise(text, false, &url, &failure), 0);
    assert_int_equal(strlen(url), URL_MAX_BYTES);
    free(url);
}

static void whose_it_is(void **state)
{
    (void)state;
    assert_true(url_is_loopback("http://localhost:1"));
    assert_true(url_is_loopback("https://127.0.0.1"));
    assert_true(url_is_loopback("https://[::1]/x"));
    assert_false(url_is_loopback("https://127.0.0.1.nip.io"));
    assert_false(url_is_loopback("https://octopusx.ai"));
    assert_false(url_is_loopback("https://a-name-that-is-longer-than-any-address.example.org"));
    assert_false(url_is_loopback("https://[2001:db8::1]"));
    assert_true(url_is_google("https://generativelanguage.googleapis.com"));
    assert_true(url_is_google("https://us-aiplatform.googleapis.com:8443/x"));
    assert_false(url_is_google("https://googleapis.com.example.org"));
    assert_false(url_is_google("https://notgoogleapis.com"));
    assert_false(url_is_google("https://h/generativelanguage.googleapis.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_forms),
        cmocka_unit_test(refused),
        cmocka_unit_test(plain_http_can_be_allowed),
        cmocka_unit_test(urls_have_a_limit),
        cmocka_unit_test(whose_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
