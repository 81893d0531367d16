/* SPDX-License-Identifier: MIT
 *
 * Pictures in Markdown, `![..](https://..)` and `![..](data:image/png;base64,..)`, found in a text
 * that is fed in pieces: the place where some gateways put what the API gave as a picture. The data
 * URIs are decoded into parts on the way, as lift.h does it, so that memory stays flat. Pure; one
 * owner at a time.
 */
#ifndef EASELFS_API_MARKDOWN_H
#define EASELFS_API_MARKDOWN_H

#include "api/lift.h"

#define MARKDOWN_URL_MAX   8192 /* bytes of a URL; a longer one is no picture */
#define MARKDOWN_LINKS_MAX 64   /* pictures in one text; more are ignored */

struct markdown_link {
    char *url;             /* http or https; NULL: the picture is in a part */
    unsigned part;         /* LIFT_NONE where there is a URL */
    struct lift_part info; /* of the part; never LIFT_REST: what is damaged stays in the text */
};

struct markdown_result {
    const struct markdown_link *links; /* in the order of the text; belong to the markdown */
    size_t count;
};

struct markdown;

/**
 * Begin a text.
 *
 * @param sink copied; gets the decoded data URIs, numbered from @first_part on.
 * @return 0 or -ENOMEM.
 */
int markdown_create(const struct lift_sink *sink, unsigned first_part,
                    struct markdown **ret_markdown);

/** Free it; NULL is fine. */
void markdown_destroy(struct markdown *markdown);

/** Take the next bytes of the text. @return 0, -ENOMEM, or what the sink returned; final. */
int markdown_feed(struct markdown *markdown, const void *data, size_t length);

/**
 * End the text. A picture that is open then is incomplete.
 *
 * @param ret_result valid until markdown_destroy().
 * @return as markdown_feed().
 */
int markdown_finish(struct markdown *markdown, struct markdown_result *ret_result);

#endif
