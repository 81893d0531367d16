/* SPDX-License-Identifier: MIT */
#include "api/sentence.h"

#include <errno.h>
#include <string.h>

#include "api/fault.h"

struct row {
    int error;
    enum charge charge;
    bool retry;
    bool pause;
    const char *what;   /* happened: a sentence without its full stop */
    const char *glue;   /* between that and the API's own words */
    const char *advice; /* what to do next */
};

static const struct row rows[SENTENCE_MAX] = {
    [SENTENCE_BAD_REQUEST] =
        {-EINVAL, CHARGE_NONE, false, false, "The API refused the request", ": ",
         "Check the prompt, the settings and the references, then save the prompt again."},
    [SENTENCE_BAD_KEY] = {-EACCES, CHARGE_NONE, false, false, "The API does not accept the key",
                          ": ", "Check the API key, then save the prompt again."},
    [SENTENCE_NO_CREDIT] = {-EDQUOT, CHARGE_NONE, false, true, "The account has no credit left",
                            ": ", "Add credit to the account, then save the prompt again."},
    [SENTENCE_FORBIDDEN] =
        {-EACCES, CHARGE_NONE, false, false, "The API does not allow this request", ": ",
         "Check what the API key and its account may use, then save the prompt again."},
    [SENTENCE_NOT_FOUND] = {-ENOENT, CHARGE_NONE, false, false,
                            "The API does not know this model or address", ": ",
                            "Check the base URL and the model's name in the configuration."},
    [SENTENCE_TOO_LARGE] = {-E2BIG, CHARGE_NONE, false, false,
                            "The request is too large for the API", ": ",
                            "Use fewer or smaller references, then save the prompt again."},
    [SENTENCE_LEGAL] = {-EPERM, CHARGE_NONE, false, false,
                        "The API refused the request for legal reasons", ": ",
                        "Change the prompt and save it again."},
    [SENTENCE_RATE_LIMIT] = {-EAGAIN, CHARGE_NONE, true, false, "The API's rate limit is reached",
                             ": ", "Wait a while, then save the prompt again."},
    [SENTENCE_QUOTA] = {-EDQUOT, CHARGE_NONE, false, false, "The quota of the account is used up",
                        ": ",
                        "Wait until it is renewed or have it raised, then save the prompt again."},
    [SENTENCE_OVERLOADED] = {-EBUSY, CHARGE_NONE, true, false, "The API is overloaded", ": ",
                             "Wait a while, then save the prompt again."},
    [SENTENCE_SERVER_TIMEOUT] =
        {-ETIMEDOUT, CHARGE_POSSIBLE, false, false, "The API gave up before it was done", ": ",
         "It was not asked again, so that nothing is paid for twice. Save the prompt again to try "
         "once more."},
    [SENTENCE_SERVER_FAILED] =
        {-EREMOTEIO, CHARGE_POSSIBLE, false, false, "The API failed while it worked on the request",
         ": ",
         "It was not asked again, so that nothing is paid for twice. Save the prompt again to try "
         "once more."},
    [SENTENCE_SERVER_FAILED_EARLY] = {-EREMOTEIO, CHARGE_NONE, true, false,
                                      "The API failed before it had the whole request", ": ",
                                      "Wait a while, then save the prompt again."},
    [SENTENCE_REDIRECT] =
        {-EREMCHG, CHARGE_NONE, false, false, "The base URL redirects", " to ",
         "No redirect is followed, since the key goes to no other address. Correct the base URL in "
         "the configuration."},
    [SENTENCE_UNKNOWN_STATUS] = {-EPROTO, CHARGE_POSSIBLE, false, false,
                                 "The answer has a status that the API never gives", ": ",
                                 "Check that the base URL is that of the API."},

    [SENTENCE_ERROR_IN_ANSWER] = {-EREMOTEIO, CHARGE_POSSIBLE, false, false,
                                  "The API answered with an error", ": ",
                                  "Save the prompt again to try once more."},
    [SENTENCE_PROMPT_BLOCKED] = {-EPERM, CHARGE_POSSIBLE, false, false,
                                 "The API refused the prompt", ": ",
                                 "Change the prompt and save it again."},
    [SENTENCE_PICTURE_WITHHELD] =
        {-EPERM, CHARGE_CERTAIN, false, false, "The API withheld the picture", ": ",
         "Change the prompt or the references, then save the prompt again."},
    [SENTENCE_RECITATION] =
        {-EPERM, CHARGE_CERTAIN, false, false,
         "The API withheld the picture because it is too close to an existing work", ": ",
         "Ask for something less like an existing work and save the prompt again."},
    [SENTENCE_NO_IMAGE] = {-ENODATA, CHARGE_CERTAIN, false, false, "The model made no picture",
                           ": ", "Say more plainly what to draw and save the prompt again."},
    [SENTENCE_MAX_TOKENS] =
        {-ENODATA, CHARGE_CERTAIN, false, false,
         "The model reached its limit of tokens before there was a picture", ": ",
         "Raise or empty settings/max_output_tokens, then save the prompt again."},
    [SENTENCE_LANGUAGE] = {-ENODATA, CHARGE_CERTAIN, false, false,
                           "The model does not know the prompt's language", ": ",
                           "Write the prompt in another language and save it again."},
    [SENTENCE_STOPPED] = {-ENODATA, CHARGE_CERTAIN, false, false,
                          "The model stopped without a picture", ": ",
                          "Change the prompt or the settings, then save the prompt again."},
    [SENTENCE_INCOMPLETE] = {-EIO, CHARGE_CERTAIN, false, false,
                             "The answer broke off before it was complete", ": ",
                             "What arrived is kept. Save the prompt again to ask once more."},
    [SENTENCE_NOT_JSON] = {-EBADMSG, CHARGE_POSSIBLE, false, false,
                           "The answer is not one that the API gives", ": ",
                           "What arrived is kept. Check that the base URL is that of the API."},
    [SENTENCE_BROKEN_PICTURE] = {-EBADMSG, CHARGE_CERTAIN, false, false,
                                 "The picture arrived damaged", ": ",
                                 "What arrived is kept. Save the prompt again to ask once more."},
    [SENTENCE_UNUSABLE_PICTURE] = {-EBADMSG, CHARGE_CERTAIN, false, false,
                                   "The answer names a picture that cannot be read or fetched",
                                   ": ",
                                   "What arrived is kept. Save the prompt again to ask once more."},
    [SENTENCE_ONLY_DRAFTS] = {-ENODATA, CHARGE_CERTAIN, false, false,
                              "The API sent only draft images", ": ",
                              "Save the prompt again to ask once more."},
    [SENTENCE_ONLY_WORDS] = {-ENODATA, CHARGE_CERTAIN, false, false,
                             "The model answered with words only", ": ",
                             "Say more plainly what to draw and save the prompt again."},
    [SENTENCE_EMPTY] = {-ENODATA, CHARGE_CERTAIN, false, false, "The API gave an empty answer",
                        ": ", "Save the prompt again to ask once more."},
    [SENTENCE_NOT_A_PICTURE] = {-EBADMSG, CHARGE_CERTAIN, false, false,
                                "What the API sent as a picture is none", ": ",
                                "What arrived is kept. Save the prompt again to ask once more."},
};

/* The full stop, or "" where the words end with a mark of their own. */
static const char *full_stop(const char *text)
{
    size_t length = strlen(text);

    return length && strchr(".!?", text[length - 1]) ? "" : ".";
}

void sentence_tell(struct failure *failure, enum sentence sentence, const char *detail)
{
    const struct row *row = &rows[sentence];

    if (*detail)
        failure_set(failure, row->error, "%s%s%s%s", row->what, row->glue, detail,
                    full_stop(detail));
    else if (failure->http_status && failure->http_status != 200)
        failure_set(failure, row->error, "%s (HTTP %d).", row->what, failure->http_status);
    else
        failure_set(failure, row->error, "%s.", row->what);
    failure_advise(failure, "%s", row->advice);
    failure->charge = row->charge;
    failure->retry = row->retry;
    failure->pause = row->pause;
}

const char *fault_charge_text(enum charge charge)
{
    switch (charge) {
    case CHARGE_NONE:
        return "It was not charged.";
    case CHARGE_POSSIBLE:
        return "It may have been charged.";
    case CHARGE_CERTAIN:
        return "It was charged.";
    }
    return "";
}
