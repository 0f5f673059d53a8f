// Made by `npm run types` from schemas/. Do not edit.

export interface paths {
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign in
         * @description A wrong name and a wrong password answer alike.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SignedIn"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign out
         * @description Ends this token; its sockets are closed.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The caller */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make an account for oneself
         * @description The role is always `user`. Closed by `REGISTRATION=closed` (403); a taken name is 409.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RegistrationBody"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SignedIn"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload a file
         * @description At most `MAX_UPLOAD`; all files of a person together at most `UPLOAD_QUOTA`. The type is found by the content.
         *     Pictures (PNG, JPEG, GIF, WebP, at most 50 million pixels) lose where, when and with what they were taken
         *     and get a thumbnail; other kinds of pictures are refused. A file that no message names is removed after a
         *     day. Four uploads of a person at once, 32 in all.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "multipart/form-data": components["schemas"]["UploadForm"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["File"];
                    };
                };
                /** @description No file, two, an empty one, one without a name, or a damaged picture (`FILE_REJECTED`) */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Too large (`MESSAGE_TOO_LARGE`), or no room left (`FILE_REJECTED`) */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description No form, or a kind of picture that is not taken (`FILE_REJECTED`) */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Too many uploads at once */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Fetch a file
         * @description For its uploader, and for whoever may read a message that names it; to all others it is not there. With a
         *     token, or under a signed address. `Range`, `If-Range` and `If-None-Match` work. Pictures, sounds and films
         *     that browsers show safely come inline, everything else as an attachment; what a browser would run comes
         *     as bytes.
         */
        get: {
            parameters: {
                query?: {
                    user?: string;
                    token?: string;
                    expires?: number;
                    /** @description with user, token and expires: a signed address */
                    signature?: string;
                };
                header?: never;
                path: {
                    /** @description the file */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The file */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": unknown;
                    };
                };
                /** @description A part of it */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The client has it */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Not there for the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description A part that it does not have */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/files/{id}/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Signed addresses of a file
         * @description For tags of a page, which send no header. They hold for five minutes and end with the caller's token, and
         *     whether the caller may have the file is asked at each use.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the file */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["FileLink"];
                    };
                };
                /** @description Not there for the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/files/{id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Fetch the small version of a picture */
        get: {
            parameters: {
                query?: {
                    user?: string;
                    token?: string;
                    expires?: number;
                    /** @description with user, token and expires: a signed address */
                    signature?: string;
                };
                header?: never;
                path: {
                    /** @description the file */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description A JPEG or PNG of at most 320 pixels on each side */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "image/jpeg": unknown;
                    };
                };
                /** @description Not there for the caller, or no picture */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a message
         * @description The same path as the event `message:send`. Committed when it is answered.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["SendBody"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Message"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/forward": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Forward messages
         * @description Only what the caller may read, only to where they may write; all or nothing.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ForwardBody"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Forwarded"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search in one's own sessions
         * @description Newest first. Several words mean all of them, in any order; quotes mean a phrase; there are no operators.
         *     Chinese is segmented, English folded in case and stemmed; file names are searched, too. Each message comes
         *     with `highlights`: pieces of its text as HTML, in which everything is escaped but the `<mark>` around what
         *     was found. While the index is being built, or catches up after a start, the answer has `indexing: true`
         *     beside `data`, and there may be more than it says. Only the newest 10,000 can be paged through.
         */
        get: {
            parameters: {
                query: {
                    /** @description the caller */
                    userId?: string;
                    /** @description 1 to 200 characters */
                    keyword: string;
                    /** @description only in this session */
                    sessionId?: string;
                    /** @description only what this person wrote */
                    sender?: string;
                    /** @description `text`, `image`, `file` or `voice` */
                    messageType?: string;
                    /** @description written at this time or later: RFC 3339, or a day (UTC) */
                    from?: string;
                    /** @description written at this time or earlier: RFC 3339, or a day (UTC) */
                    to?: string;
                    page?: number;
                    /** @description 1 to 100 */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["FoundMessage"][];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/unread/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Somebody's unread counts */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    userId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Unread"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A session's messages
         * @description Page 1 holds the newest; inside a page the oldest comes first. `beforeSeq` or `afterSeq` instead of
         *     `page` walk without counting.
         */
        get: {
            parameters: {
                query?: {
                    page?: number;
                    /** @description 1 to 100 */
                    limit?: number;
                    beforeSeq?: number;
                    afterSeq?: number;
                };
                header?: never;
                path: {
                    /** @description the session */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Message"][];
                    };
                };
            };
        };
        /**
         * Edit a message
         * @description Its sender's right, within the edit window.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Edited"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Message"];
                    };
                };
            };
        };
        post?: never;
        /**
         * Delete a message
         * @description Its sender's right, or an admin's. A tombstone remains at its `seq`; deleting again changes nothing.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Author"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tombstone"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/{id}/edits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a message said before it was edited, oldest first (admins, on record) */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Edit"][];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/{id}/reactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put an emoji on a message
         * @description One of each kind for a person, 20 kinds for a message.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Emoji"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Reactions"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/{id}/reactions/{emoji}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Take one's emoji off a message */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                    emoji: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Reactions"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Mark a message and every earlier one of its session as read */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Author"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ReadResult"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/{id}/recall": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a message back
         * @description Its sender's right, within the recall window. A tombstone remains; recalling again changes nothing.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tombstone"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/messages/{id}/receipts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who has got a message, and who has read it */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the message */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Receipts"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/sessions/group": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a group
         * @description The caller is its owner.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["GroupBody"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionInfo"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/sessions/private": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The private session of two people
         * @description 201 when it is new, 200 when they have it already; the caller is one of the two.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Pair"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionListed"];
                    };
                };
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionListed"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Somebody's sessions, newest activity first
         * @description One's own; admins may look at others', which is put on record.
         */
        get: {
            parameters: {
                query?: {
                    page?: number;
                    /** @description 1 to 100 */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description the user */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionListed"][];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change a group (its owners and admins) */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the session */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangedGroupBody"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionInfo"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/chat/sessions/{id}/info": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One session and who is in it */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the session */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionInfo"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/sessions/{id}/participants": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Add people (owners and admins)
         * @description They see what is said from now on, or everything when the group's past is open. Who is in already
         *     stays as they are.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the session */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Newcomers"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionInfo"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/sessions/{id}/participants/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove somebody (owners and admins; an owner only by owners), or leave
         * @description They hear and read nothing of the group from then on. The last owner leaves last.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the session */
                    id: string;
                    userId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SeatGone"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Give a role (owners), or mute (oneself) */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the session */
                    id: string;
                    userId: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangedMember"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SessionInfo"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/chat/sessions/{id}/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Mark everything up to a `seq` as read; it only moves forward */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description the session */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ReadSeq"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ReadResult"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The house at a glance (admins)
         * @description `Accept: text/csv` for a spreadsheet.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Overview"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/stats/departments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Departments (admins)
         * @description The one that wrote most first. `Accept: text/csv` for a spreadsheet.
         */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 366, with today; 7 */
                    days?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DepartmentStatistics"][];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/stats/trends": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Messages, people and response times by hour or day (admins)
         * @description Every hour or day is there, in the hospital's time zone (`TIME_ZONE`), oldest first. `Accept: text/csv`
         *     for a spreadsheet.
         */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 366, by the hour to 31; with today; 7 */
                    days?: number;
                    /** @description `hour` or `day`; `day` */
                    granularity?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["TrendPeriod"][];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/stats/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Everybody (admins; the look is put on record)
         * @description `Accept: text/csv` for a spreadsheet.
         */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 366, with today; 7 */
                    days?: number;
                    /** @description `messages`, `unread` or `response`; the most first */
                    sort?: string;
                    page?: number;
                    /** @description 1 to 1000; 50 */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PersonStatistics"][];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/stats/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Somebody's statistics
         * @description One's own; admins may look at others', which is put on record.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    userId: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Stats"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The directory */
        get: {
            parameters: {
                query?: {
                    page?: number;
                    /** @description 1 to 1000 */
                    limit?: number;
                    role?: string;
                    /** @description a part of a name */
                    search?: string;
                    /** @description `true` (the default); admins also `false` and `all` */
                    active?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"][];
                    };
                };
            };
        };
        put?: never;
        /** Make an account (admins) */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewUserBody"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/users/online": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is online or away */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"][];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/chat/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change an account (admins)
         * @description Deactivating, or a new password, ends the person's tokens and closes their sockets.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangedUserBody"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether the service and its database are well
         * @description 503 with `degraded` when MongoDB does not answer within two seconds.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A body that names its author: `{userId}`. */
        Author: {
            userId: string;
        };
        /** @description `PATCH /api/chat/sessions/:id`; what is absent stays. */
        ChangedGroupBody: {
            avatar?: string | null;
            /** @description `true` opens the past to everybody, also to those who came later. */
            historyVisible?: boolean | null;
            sessionName?: string | null;
            topic?: string | null;
        };
        /** @description `PATCH /api/chat/sessions/:id/participants/:userId` */
        ChangedMember: {
            /** @description Everybody mutes for themselves. */
            muted?: boolean | null;
            /** @description `owner`, `admin` or `member`: owners give roles. */
            role?: string | null;
        };
        /** @description `PATCH /api/chat/users/:id`; what is absent stays. */
        ChangedUserBody: {
            avatar?: string | null;
            department?: string | null;
            email?: string | null;
            isActive?: boolean | null;
            /** @description A new password ends the person's tokens. */
            password?: string | null;
            phone?: string | null;
            realName?: string | null;
            role?: string | null;
            title?: string | null;
        };
        /** @description A department. */
        DepartmentStatistics: {
            /**
             * Format: int64
             * @description Who wrote something.
             */
            activePeople: number;
            /** @description Empty for people without one. */
            department: string;
            /** Format: int64 */
            messages: number;
            /**
             * Format: int64
             * @description Online or away, now.
             */
            online: number;
            /**
             * Format: int64
             * @description Active accounts.
             */
            people: number;
            /**
             * Format: int64
             * @description Milliseconds; null without answers.
             */
            responseMedianMs?: number | null;
            /** Format: int64 */
            responseP90Ms?: number | null;
            /**
             * Format: int64
             * @description Their unread messages, now.
             */
            unread: number;
        };
        /** @description What a message said before it was edited. */
        Edit: {
            content: string;
            /** Format: date-time */
            replacedAt: string;
            /** Format: date-time */
            writtenAt: string;
        };
        /** @description `PUT /api/chat/messages/:id` */
        Edited: {
            /** @description 1 to 8,000 characters. */
            content: string;
            /** @description Ids of members, or `all`; absent, they stay. */
            mentions?: string[] | null;
        };
        /** @description `POST /api/chat/messages/:id/reactions` */
        Emoji: {
            /** @description 1 to 32 bytes without spaces. */
            emoji: string;
        };
        /** @description A failure, whatever the call. */
        Failure: {
            /**
             * @description Stable: clients match on it.
             * @example VALIDATION_FAILED
             */
            code: string;
            /** @description Bad fields and what is wrong with each; `outcome` with 503; `retryAfter` with 429. */
            details?: {
                [key: string]: unknown;
            } | null;
            /** @description For a developer. */
            error: string;
            /** @description For a person, in the request's language. */
            message: string;
            /** @description Always `false`. */
            success: boolean;
        };
        /** @description A file that was taken in. */
        File: {
            /**
             * Format: double
             * @description Seconds, of what sounds, where it can be found out.
             */
            duration?: number | null;
            /** @example 64b7f0c2a1b2c3d4e5f60718 */
            fileId: string;
            /** @description Without folders and control characters. */
            fileName: string;
            /**
             * Format: int64
             * @description Bytes, as stored.
             */
            fileSize: number;
            /**
             * @description What a message of type image, file or voice names.
             * @example /api/chat/files/64b7f0c2a1b2c3d4e5f60718
             */
            fileUrl: string;
            /** Format: int32 */
            height?: number | null;
            /** @description By its content. */
            mimeType: string;
            /**
             * Format: int32
             * @description Pixels, upright; of pictures, which also have `{fileUrl}/thumbnail`.
             */
            width?: number | null;
        };
        /** @description Addresses of a file that need no header. */
        FileLink: {
            /** Format: date-time */
            expiresAt: string;
            thumbnailUrl?: string | null;
            url: string;
        };
        /** @description `POST /api/chat/messages/forward` */
        ForwardBody: {
            /** @description The same one again is the same request. */
            clientMsgId?: string | null;
            /** @description 1 to 100. */
            messageIds: string[];
            /** @description `each` (the default): as many messages; `merged`: one that carries all. */
            mode?: string | null;
            /** @description 1 to 20. */
            toSessionIds: string[];
        };
        /** @description What forwarding wrote: by target, then by message. */
        Forwarded: {
            messages: components["schemas"]["Message"][];
        };
        /** @description Who wrote a forwarded message at first. */
        ForwardedFrom: {
            /** Format: date-time */
            createdAt: string;
            messageId: string;
            sender: string;
        };
        /** @description A message that was found. */
        FoundMessage: components["schemas"]["Message"] & {
            /**
             * @description Pieces of its text, at most three: HTML, escaped but for the `<mark>` around what was found.
             * @example [
             *       "…患者<mark>血压</mark>正常 &amp; stable"
             *     ]
             */
            highlights: string[];
        };
        /** @description `POST /api/chat/sessions/group` */
        GroupBody: {
            avatar?: string | null;
            historyVisible?: boolean | null;
            /** @description With the caller 2 to 500 people. */
            participants: string[];
            /** @description 1 to 100 characters. */
            sessionName: string;
            /** @description At most 500 characters. */
            topic?: string | null;
        };
        /** @description How the service is, exactly as the source shows it. */
        Health: {
            message: string;
            /** @description `ok`, or `degraded` when MongoDB does not answer. */
            status: string;
            /** Format: date-time */
            timestamp: string;
        };
        /** @description `POST /api/auth/login` */
        Login: {
            password: string;
            username: string;
        };
        /** @description Somebody's seat. */
        Member: {
            /** Format: date-time */
            joinedAt: string;
            /** @description Whether they want no bell for this session. */
            muted: boolean;
            /**
             * Format: int64
             * @description Everything up to this `seq` is read.
             */
            readSeq: number;
            /** @description `owner`, `admin` or `member`. */
            role: string;
            userId: string;
        };
        /** @description One message inside a merged one. */
        MergedMessage: {
            content: string;
            /** Format: date-time */
            createdAt: string;
            fileName: string;
            /** Format: int64 */
            fileSize: number;
            fileUrl: string;
            messageId: string;
            messageType: string;
            sender: string;
        };
        /** @description A message. */
        Message: {
            _id: string;
            clientMsgId?: string | null;
            content: string;
            /** Format: date-time */
            createdAt: string;
            /**
             * Format: int64
             * @description How many have got it, those who have read it among them.
             */
            deliveredCount: number;
            /** Format: date-time */
            editedAt?: string | null;
            fileName: string;
            /**
             * Format: int64
             * @description Bytes.
             */
            fileSize: number;
            fileUrl: string;
            forwardedFrom?: components["schemas"]["ForwardedFrom"] | null;
            isDeleted: boolean;
            /** @description Ids of members, or the text `all`. */
            mentions?: string[] | null;
            merged?: components["schemas"]["MergedMessage"][];
            /** @description `text`, `image`, `file` or `voice`. */
            messageType: string;
            reactions?: components["schemas"]["Reaction"][];
            /** @description The first hundred who have read it. */
            readBy: components["schemas"]["ReadBy"][];
            /**
             * Format: int64
             * @description How many have read it.
             */
            readCount: number;
            /** Format: date-time */
            recalledAt?: string | null;
            receiver?: string | null;
            /** @description The message of the same session that it answers. */
            replyTo?: string | null;
            /**
             * Format: int64
             * @description That message's `seq`.
             */
            replyToSeq?: number | null;
            /**
             * Format: int64
             * @description The session's `rev` at its last change; 0 when never changed.
             */
            rev: number;
            sender: string;
            /**
             * Format: int64
             * @description 1, 2, 3 … within its session.
             */
            seq: number;
            sessionId: string;
            /** @description `sent`, `delivered` or `read`: by anybody but its sender. */
            status: string;
            /** @description Whom a system message is about. */
            subjects?: string[] | null;
            /**
             * @description `joined`, `left`, `removed`, `renamed`, `topic`, `avatar`, `history` or `role`: the group wrote
             *     it about itself.
             */
            system?: string | null;
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description Messages ever written (what was deleted since counts, too; a group's notes about itself do not). */
        MessageTotals: {
            /** @description By `text`, `image`, `file`, `voice`. */
            byType: {
                [key: string]: number;
            };
            /**
             * Format: int64
             * @description Since midnight in the hospital's time zone.
             */
            today: number;
            /** Format: int64 */
            total: number;
        };
        /** @description `POST /api/chat/users` */
        NewUserBody: {
            avatar?: string | null;
            department?: string | null;
            email?: string | null;
            password: string;
            phone?: string | null;
            realName: string;
            /** @description `admin`, `doctor`, `nurse` or `user`. */
            role: string;
            title?: string | null;
            username: string;
        };
        /** @description `POST /api/chat/sessions/:id/participants` */
        Newcomers: {
            userIds: string[];
        };
        /** @description The house at a glance. */
        Overview: {
            /**
             * Format: int64
             * @description Who has written something today.
             */
            activeToday: number;
            /** Format: date-time */
            generatedAt: string;
            messages: components["schemas"]["MessageTotals"];
            /** @description Of the last seven days. */
            responseTime: components["schemas"]["ResponseTime"];
            sessions: components["schemas"]["SessionTotals"];
            /** @description The hospital's time zone (IANA), which its days follow. */
            timeZone: string;
            unread: components["schemas"]["UnreadBacklog"];
            users: components["schemas"]["PeopleNow"];
        };
        /** @description `POST /api/chat/sessions/private` */
        Pair: {
            userId1: string;
            userId2: string;
        };
        /** @description People: accounts and presence. */
        PeopleNow: {
            /**
             * Format: int64
             * @description Those that are not deactivated.
             */
            active: number;
            /** Format: int64 */
            away: number;
            /** Format: int64 */
            online: number;
            /**
             * Format: int64
             * @description All accounts.
             */
            total: number;
        };
        /** @description A person. */
        PersonStatistics: {
            /**
             * Format: int64
             * @description Answers given.
             */
            answers: number;
            department: string;
            isActive: boolean;
            /**
             * Format: date-time
             * @description Their newest message of these days.
             */
            lastActive?: string | null;
            realName: string;
            /**
             * Format: int64
             * @description Milliseconds their answers took; null without answers.
             */
            responseMedianMs?: number | null;
            /** Format: int64 */
            responseP90Ms?: number | null;
            role: string;
            /**
             * Format: int64
             * @description Messages written.
             */
            sent: number;
            /**
             * Format: int64
             * @description Their unread messages, now.
             */
            unread: number;
            userId: string;
            username: string;
        };
        /** @description Everybody who reacted with one emoji. */
        Reaction: {
            emoji: string;
            users: string[];
        };
        /** @description All reactions of a message, after one of them changed. */
        Reactions: {
            /** @description Whether it was put on. */
            added: boolean;
            emoji: string;
            messageId: string;
            reactions: components["schemas"]["Reaction"][];
            /** Format: int64 */
            rev: number;
            /** Format: int64 */
            seq: number;
            sessionId: string;
            /** Format: date-time */
            updatedAt: string;
            /** @description Who put it on, or took it off. */
            userId: string;
        };
        /** @description One who has read a message. */
        ReadBy: {
            /** Format: date-time */
            readAt: string;
            user: string;
        };
        /** @description What marking as read did. */
        ReadResult: {
            /**
             * Format: int64
             * @description Messages that became read by this call.
             */
            readCount: number;
            /**
             * Format: int64
             * @description The caller's unread messages left, in all sessions.
             */
            unreadCount: number;
        };
        /** @description `POST /api/chat/sessions/:id/read` */
        ReadSeq: {
            /** Format: int64 */
            seq: number;
        };
        /** @description How far a message has come with one person. */
        Receipt: {
            /** Format: date-time */
            deliveredAt?: string | null;
            /** Format: date-time */
            readAt?: string | null;
            userId: string;
        };
        /** @description Who has got a message, and who has read it. */
        Receipts: {
            /** Format: int64 */
            deliveredCount: number;
            messageId: string;
            /** Format: int64 */
            readCount: number;
            /** @description Every member but its sender, and who has got it and left since. */
            receipts: components["schemas"]["Receipt"][];
            /** Format: int64 */
            seq: number;
            sessionId: string;
        };
        /** @description `POST /api/auth/register`; the role is always `user`. */
        RegistrationBody: {
            avatar?: string | null;
            email?: string | null;
            /** @description 8 to 128 characters, not the username. */
            password: string;
            phone?: string | null;
            realName: string;
            /** @description 3 to 32 letters, digits, `.`, `_`, `-`; unique without regard to case. */
            username: string;
        };
        /**
         * @description How long answers took: from a person's first unanswered message to the next message of somebody else in
         *     that session.
         */
        ResponseTime: {
            /**
             * Format: int64
             * @description How many answers.
             */
            count: number;
            /**
             * Format: int64
             * @description Milliseconds, within 2.5%; null without answers.
             */
            medianMs?: number | null;
            /**
             * Format: int64
             * @description Nine of ten answers took no longer.
             */
            p90Ms?: number | null;
        };
        /** @description Somebody has no seat any more. */
        SeatGone: {
            /** Format: int64 */
            rev: number;
            sessionId: string;
            /** @description Who has gone. */
            userId: string;
        };
        /** @description `POST /api/chat/messages` and `message:send` */
        SendBody: {
            /** @description Chosen by the sender, at most 64 characters: the same one again is the same message. */
            clientMsgId?: string | null;
            /** @description 1 to 8,000 characters for text. */
            content?: string | null;
            fileName?: string | null;
            /**
             * Format: int64
             * @description Bytes; the message carries the file's true size.
             */
            fileSize?: number | null;
            /** @description The address of an uploaded file that the sender may fetch; for image, file and voice. */
            fileUrl?: string | null;
            /** @description Ids of members, or `all`. */
            mentions?: string[] | null;
            /** @description `text` (the default), `image`, `file` or `voice`. */
            messageType?: string | null;
            /** @description Must be the other participant of a private session. */
            receiverId?: string | null;
            /** @description The message of the same session that this one answers. */
            replyTo?: string | null;
            senderId: string;
            sessionId: string;
        };
        /** @description A session document. */
        Session: {
            _id: string;
            /** @description Groups only. */
            avatar?: string;
            /** Format: date-time */
            createdAt: string;
            /** @description Groups only: whether those who come later see what was said before. */
            historyVisible?: boolean | null;
            lastMessage?: string | null;
            /** Format: date-time */
            lastMessageTime: string;
            participants: string[];
            /** Format: int64 */
            rev: number;
            /**
             * Format: int64
             * @description The newest message's `seq`.
             */
            seq: number;
            sessionName: string;
            /** @description `private` or `group`. */
            sessionType: string;
            /** @description Groups only. */
            topic?: string;
            /** @description User id → count of unread messages. */
            unreadCount: {
                [key: string]: number;
            };
            /** Format: date-time */
            updatedAt: string;
        };
        /** @description One session with who is in it. */
        SessionInfo: components["schemas"]["Session"] & {
            members: components["schemas"]["Member"][];
            participantProfiles: components["schemas"]["User"][];
        };
        /** @description A session with what a list shows of it. */
        SessionListed: components["schemas"]["Session"] & {
            /** @description The newest message's text, shortened; a file's name for files; empty for a deleted one. */
            lastMessagePreview: string;
            /** @description Whether the asked person wants no bell for it. */
            muted: boolean;
            participantProfiles: components["schemas"]["User"][];
            /** @description What the asked person is in it: `owner`, `admin` or `member`. */
            role: string;
            /**
             * Format: int64
             * @description The asked person's unread messages in it.
             */
            unread: number;
        };
        /** @description Sessions by type. */
        SessionTotals: {
            /** Format: int64 */
            group: number;
            /** Format: int64 */
            private: number;
            /** Format: int64 */
            total: number;
        };
        /** @description Somebody with a fresh token. */
        SignedIn: {
            /** Format: date-time */
            expiresAt: string;
            token: string;
            user: components["schemas"]["User"];
        };
        /** @description The source's six counters. */
        Stats: {
            /** Format: int64 */
            onlineUsers: number;
            /** Format: int64 */
            receivedMessages: number;
            /** Format: int64 */
            sentMessages: number;
            /** Format: int64 */
            totalMessages: number;
            /** Format: int64 */
            totalSessions: number;
            /** Format: int64 */
            unreadMessages: number;
        };
        /** @description What remains of a deleted message. */
        Tombstone: {
            /** Format: date-time */
            deletedAt: string;
            isDeleted: boolean;
            messageId: string;
            /**
             * Format: date-time
             * @description Set when its sender took it back.
             */
            recalledAt?: string | null;
            /** Format: int64 */
            rev: number;
            /** Format: int64 */
            seq: number;
            sessionId: string;
            /** @description Who deleted or recalled it. */
            userId: string;
        };
        /** @description An hour or a day. */
        TrendPeriod: {
            /**
             * Format: int64
             * @description Who wrote something.
             */
            activePeople: number;
            /** Format: int64 */
            messages: number;
            /**
             * Format: int64
             * @description Milliseconds; null without answers.
             */
            responseMedianMs?: number | null;
            /** Format: int64 */
            responseP90Ms?: number | null;
            /** Format: date-time */
            start: string;
        };
        /** @description Somebody's unread counts. */
        Unread: {
            /** @description Session id → count; only sessions with something unread. */
            bySession: {
                [key: string]: number;
            };
            /** Format: int64 */
            unreadCount: number;
        };
        /** @description Unread messages over all people and sessions, now. */
        UnreadBacklog: {
            /**
             * Format: int64
             * @description How many people have any.
             */
            people: number;
            /** Format: int64 */
            total: number;
        };
        /** @description The form of an upload. */
        UploadForm: {
            /**
             * Format: binary
             * @description One file, with its name.
             */
            file: string;
        };
        /** @description A person. */
        User: {
            /** @example 64b7f0c2a1b2c3d4e5f60718 */
            _id: string;
            avatar: string;
            /** Format: date-time */
            createdAt: string;
            department: string;
            email: string;
            isActive: boolean;
            /** Format: date-time */
            lastSeen?: string | null;
            phone: string;
            realName: string;
            /** @description `admin`, `doctor`, `nurse` or `user`. */
            role: string;
            /** @description `online`, `away` or `offline`. */
            status: string;
            title: string;
            /** Format: date-time */
            updatedAt: string;
            username: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
