/* SPDX-License-Identifier: MIT */
#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void failure_init(struct failure *failure)
{
    memset(failure, 0, sizeof(*failure));
}

printf_like_(3, 0) static void format_text(char *text, size_t size, const char *format,
                                           va_list arguments)
{
    vsnprintf(text, size, format, arguments);
    text_make_printable(text, ' ');
}

int failure_set(struct failure *failure, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_text(failure->text, sizeof(failure->text), format, arguments);
    va_end(arguments);
    failure->error = error;
    return error;
}

void failure_advise(struct failure *failure, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_text(failure->advice, sizeof(failure->advice), format, arguments);
    va_end(arguments);
}

const char *error_text(int error)
{
    const char *text = strerrordesc_np(-error);

    return text ? text : "Unknown error";
}

int failure_set_errno(struct failure *failure, int error, const char *what)
{
    return failure_set(failure, error, "%s: %s.", what, error_text(error));
}
