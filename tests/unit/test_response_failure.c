/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "api/response.h"
#include "api_reply.h"

struct failure_row {
    const char *body;
    int error;
    enum charge charge;
    const char *text;
};

#define FINISH(reason, more) \
    "{\"candidates\":[{\"finishReason\":\"" reason "\",\"content\":{\"role\":\"model\"}" more "}]}"

/* Answers with status 200 and without a picture, in the order of API.md, section 3. */
static const struct failure_row failure_rows[] = {
    /* 1: an error in a 200 */
    {"{\"error\":{\"code\":429,\"message\":\"Slow down\",\"status\":\"RESOURCE_EXHAUSTED\"}}",
     -EAGAIN, CHARGE_POSSIBLE, "The API's rate limit is reached: Slow down."},
    {"[{\"error\":{\"code\":400,\"message\":\"Bad\"}}]", -EINVAL, CHARGE_POSSIBLE,
     "The API refused the request: Bad."},
    {"{\"error\":{\"message\":\"Gone wrong with " KEY "\",\"code\":\"odd\"}}", -EREMOTEIO,
     CHARGE_POSSIBLE, "The API answered with an error: Gone wrong with [key]."},
    {"{\"success\":false,\"message\":\"No\"}", -EREMOTEIO, CHARGE_POSSIBLE,
     "The API answered with an error: No."},
    {"{\"code\":\"E1\",\"msg\":\"No\"}", -EREMOTEIO, CHARGE_POSSIBLE,
     "The API answered with an error: No."},
    {"{\"code\":503,\"msg\":\"Busy\"}", -EBUSY, CHARGE_POSSIBLE, "The API is overloaded: Busy."},
    {"{\"error\":{\"message\":\"Insufficient credit\",\"code\":402}}", -EDQUOT, CHARGE_POSSIBLE,
     "The account has no credit left: Insufficient credit."},
    /* 2: the prompt was refused */
    {"{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}}", -EPERM, CHARGE_POSSIBLE,
     "The API refused the prompt: PROHIBITED_CONTENT."},
    {"{\"candidates\":[],\"prompt_feedback\":{\"block_reason\":\"SAFETY\",\"blockReasonMessage\":"
     "\"It is unsafe.\"}}",
     -EPERM, CHARGE_POSSIBLE, "The API refused the prompt: SAFETY: It is unsafe."},
    {"{\"candidates\":[{}],\"promptFeedback\":{\"blockReason\":\"OTHER\"}}", -EPERM,
     CHARGE_POSSIBLE, "The API refused the prompt: OTHER."},
    /* 3: it ended for another reason than STOP */
    {FINISH("SAFETY", ""), -EPERM, CHARGE_CERTAIN, "The API withheld the picture: SAFETY."},
    {FINISH("IMAGE_SAFETY", ",\"finishMessage\":\"Unable to show the picture.\""), -EPERM,
     CHARGE_CERTAIN, "The API withheld the picture: IMAGE_SAFETY: Unable to show the picture."},
    {FINISH("PROHIBITED_CONTENT", ""), -EPERM, CHARGE_CERTAIN,
     "The API withheld the picture: PROHIBITED_CONTENT."},
    {FINISH("IMAGE_PROHIBITED_CONTENT", ""), -EPERM, CHARGE_CERTAIN,
     "The API withheld the picture: IMAGE_PROHIBITED_CONTENT."},
    {FINISH("BLOCKLIST", ""), -EPERM, CHARGE_CERTAIN, "The API withheld the picture: BLOCKLIST."},
    {FINISH("SPII", ""), -EPERM, CHARGE_CERTAIN, "The API withheld the picture: SPII."},
    {FINISH("RECITATION", ""), -EPERM, CHARGE_CERTAIN,
     "The API withheld the picture because it is too close to an existing work: RECITATION."},
    {FINISH("IMAGE_RECITATION", ""), -EPERM, CHARGE_CERTAIN,
     "The API withheld the picture because it is too close to an existing work: "
     "IMAGE_RECITATION."},
    {FINISH("NO_IMAGE", ""), -ENODATA, CHARGE_CERTAIN, "The model made no picture: NO_IMAGE."},
    {FINISH("IMAGE_OTHER", ""), -ENODATA, CHARGE_CERTAIN,
     "The model made no picture: IMAGE_OTHER."},
    {FINISH("MAX_TOKENS", ""), -ENODATA, CHARGE_CERTAIN,
     "The model reached its limit of tokens before there was a picture: MAX_TOKENS."},
    {FINISH("LANGUAGE", ""), -ENODATA, CHARGE_CERTAIN,
     "The model does not know the prompt's language: LANGUAGE."},
    {FINISH("OTHER", ""), -ENODATA, CHARGE_CERTAIN, "The model stopped without a picture: OTHER."},
    {FINISH("MALFORMED_FUNCTION_CALL", ""), -ENODATA, CHARGE_CERTAIN,
     "The model stopped without a picture: MALFORMED_FUNCTION_CALL."},
    {FINISH("NOT_KNOWN_YET", ""), -ENODATA, CHARGE_CERTAIN,
     "The model stopped without a picture: NOT_KNOWN_YET."},
    {FINISH("A\\u001b{\\\"x\\\":1}<b>", ""), -ENODATA, CHARGE_CERTAIN,
     "The model stopped without a picture: A."},
    {"{\"candidates\":[{\"finish_reason\":\"SAFETY\",\"finish_message\":\"m\"}]}", -EPERM,
     CHARGE_CERTAIN, "The API withheld the picture: SAFETY: m."},
    {"{\"candidates\":[{\"finishReason\":\"STOP\"},{\"finishReason\":\"SAFETY\",\"finishMessage\":"
     "\"second\"},{\"finishReason\":\"OTHER\"}]}",
     -EPERM, CHARGE_CERTAIN, "The API withheld the picture: SAFETY: second."},
    {"{\"candidates\":[{\"finishReason\":\"NO_IMAGE\",\"content\":{\"parts\":[" TEXT(
         "I would rather not.") "]}}]}",
     -ENODATA, CHARGE_CERTAIN, "The model made no picture: NO_IMAGE: I would rather not."},
    {"{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"Not that.\"},\"finish_reason\":"
     "\"content_filter\"}]}",
     -EPERM, CHARGE_CERTAIN, "The API withheld the picture: content_filter: Not that."},
    {"{\"choices\":[{\"message\":{},\"finish_reason\":\"length\"}]}", -ENODATA, CHARGE_CERTAIN,
     "The model reached its limit of tokens before there was a picture: length."},
    /* only drafts */
    {"{\"candidates\":[{\"finishReason\":\"STOP\",\"content\":{\"parts\":[{\"thought\":true,"
     "\"inlineData\":{\"data\":\"Zm9v\"}}," TEXT("words") "]}}]}",
     -ENODATA, CHARGE_CERTAIN, "The API sent only draft images."},
    /* 4: only words */
    {PARTS(TEXT("I can only talk.")), -ENODATA, CHARGE_CERTAIN,
     "The model answered with words only: I can only talk."},
    {PARTS(TEXT("Which cat?")), -ENODATA, CHARGE_CERTAIN,
     "The model answered with words only: Which cat?"},
    {PARTS(TEXT("@T")), -ENODATA, CHARGE_CERTAIN, "The model answered with words only."},
    {CHAT("\"content\":\"Hello\""), -ENODATA, CHARGE_CERTAIN,
     "The model answered with words only: Hello."},
    /* 5: nothing */
    {"{\"candidates\":null}", -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {"{\"candidates\":[{\"finishReason\":\"STOP\",\"content\":{\"parts\":[]}}]}", -ENODATA,
     CHARGE_CERTAIN, "The API gave an empty answer."},
    {PARTS(PNG("")), -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {"{}", -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {"null", -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {"[]", -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {"\"text\"", -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {"", -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {" \n", -ENODATA, CHARGE_CERTAIN, "The API gave an empty answer."},
    {"{\"error\":null,\"code\":0,\"message\":\"ok\"}", -ENODATA, CHARGE_CERTAIN,
     "The API gave an empty answer."},
    /* 6: it ends early */
    {"{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"data\":\"@B", -EIO,
     CHARGE_CERTAIN, "The answer broke off before it was complete."},
    {"{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"data\":\"Zm9v", -EIO,
     CHARGE_CERTAIN, "The answer broke off before it was complete."},
    {"{\"candidates\":[{\"content\":{\"parts\":[" TEXT("Here"), -EIO, CHARGE_CERTAIN,
     "The answer broke off before it was complete."},
    {"{", -EIO, CHARGE_CERTAIN, "The answer broke off before it was complete."},
    {"{\"candidates\":[{\"content\":{\"parts\":[]}}] oops", -EIO, CHARGE_CERTAIN,
     "The answer broke off before it was complete."},
    /* not an answer at all */
    {"<html><head><title>Log in</title></head>", -EBADMSG, CHARGE_POSSIBLE,
     "The answer is not one that the API gives: Log in."},
    {"Service unavailable", -EBADMSG, CHARGE_POSSIBLE,
     "The answer is not one that the API gives: Service unavailable."},
    {"{} trailing", -EBADMSG, CHARGE_POSSIBLE,
     "The answer is not one that the API gives: trailing."},
    /* pictures that are not usable */
    {PARTS(PNG("@D")), -EBADMSG, CHARGE_CERTAIN, "The picture arrived damaged."},
    {PARTS(PNG("@T")), -EBADMSG, CHARGE_CERTAIN, "The picture arrived damaged."},
    {PARTS(PNG("Zm9*")), -EBADMSG, CHARGE_CERTAIN,
     "The answer names a picture that cannot be read or fetched."},
    {PARTS(PNG("gs://bucket/object")), -EBADMSG, CHARGE_CERTAIN,
     "The answer names a picture that cannot be read or fetched."},
    {PARTS("{\"fileData\":{\"fileUri\":\"gs://bucket/object\"}}"), -EBADMSG, CHARGE_CERTAIN,
     "The answer names a picture that cannot be read or fetched."},
    {PARTS("{\"url\":\"/relative\"}"), -EBADMSG, CHARGE_CERTAIN,
     "The answer names a picture that cannot be read or fetched."},
    {PARTS(PNG("https://h/a b")), -EBADMSG, CHARGE_CERTAIN,
     "The answer names a picture that cannot be read or fetched."},
    {PARTS(PNG("https://h/a\\u0007b")), -EBADMSG, CHARGE_CERTAIN,
     "The answer names a picture that cannot be read or fetched."},
};

static void says_why_there_is_no_picture(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(failure_rows) / sizeof(failure_rows[0]); i++) {
        const struct failure_row *row = &failure_rows[i];
        cleanup_reply struct reply reply = read_reply(row->body);
        const struct failure *failure = &reply.answer->failure;

        if (strcmp(failure->text, row->text) != 0 || failure->error != row->error)
            fail_msg("%s:\n%d %s", row->body, failure->error, failure->text);
        assert_int_equal(failure->charge, row->charge);
        assert_int_equal(failure->http_status, 200);
        assert_false(failure->retry);
        assert_int_equal(failure->retry_after_ms, 0);
        assert_true(strlen(failure->advice) > 10);
        assert_int_equal(reply.answer->picture_count, 0);
    }
}

static void a_page_is_told_from_nothing_without_its_words(void **state)
{
    cleanup_reply struct reply reply = read_reply("<html><title>Log in</title>");
    struct lift_result result = reply.result;
    struct answer *answer = NULL;

    (void)state;
    result.remainder = NULL;
    result.remainder_length = 0;
    assert_int_equal(response_parse(&result, &context, &answer), 0);
    assert_string_equal(answer->failure.text, "The answer is not one that the API gives.");
    response_destroy(answer);
}

static void says_when_the_pictures_are_none(void **state)
{
    cleanup_reply struct reply stopped =
        read_reply("{\"candidates\":[{\"finishReason\":\"SAFETY\",\"content\":{\"parts\":[" PNG(
            "null") "]}}]}");
    cleanup_reply struct reply plain = read_reply(PARTS(PNG("null")));
    struct failure failure;

    (void)state;
    assert_int_equal(stopped.answer->failure.error, 0);
    response_no_picture(stopped.answer, "text/plain", &failure);
    assert_string_equal(failure.text, "The API withheld the picture: SAFETY.");
    response_no_picture(plain.answer, "text/plain", &failure);
    assert_string_equal(failure.text, "What the API sent as a picture is none: text/plain.");
    assert_int_equal(failure.error, -EBADMSG);
    assert_int_equal(failure.charge, CHARGE_CERTAIN);
    response_no_picture(plain.answer, "", &failure);
    assert_string_equal(failure.text, "What the API sent as a picture is none.");
}

static void an_error_names_its_request(void **state)
{
    cleanup_reply struct reply reply =
        read_reply("{\"error\":{\"message\":\"No (request id: q-7)\",\"code\":402}}");

    (void)state;
    assert_string_equal(reply.answer->failure.request_id, "q-7");
    assert_true(reply.answer->failure.pause);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_why_there_is_no_picture),
        cmocka_unit_test(an_error_names_its_request),
        cmocka_unit_test(a_page_is_told_from_nothing_without_its_words),
        cmocka_unit_test(says_when_the_pictures_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
