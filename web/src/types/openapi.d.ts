// Made by `npm run types` from schemas/. Do not edit.

export interface paths {
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit log (admins; short address)
         * @description As `GET /api/chat/audit`.
         */
        get: {
            parameters: {
                query?: {
                    actor?: string;
                    subject?: string;
                    action?: string;
                    session?: string;
                    from?: string;
                    to?: string;
                    before?: string;
                    /** @description 1 to 200; 50 */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["AuditRow"][];
                            /** @description For a person. */
                            message?: string;
                            pagination: components["schemas"]["AuditPagination"];
                            /** @enum {boolean} */
                            success: true;
                        };
                        "text/csv": string;
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/auth/guest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Come in as a guest
         * @description A guest has no password and a token of `GUEST_TTL`. Closed by `GUESTS=off` (403). One address makes ten guests a minute.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": components["schemas"]["GuestRequest"] | null;
                };
            };
            responses: {
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SignedIn"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * @description A wrong name and a wrong password get the same answer. After ten failures under one name from
         *     one network it is 429 for a while, for the right password, too. `failedSignIns` reports failures
         *     since the last sign-in.
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
                    "application/json": components["schemas"]["LoginRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SignedIn"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: null;
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the caller
         * @description Get the caller
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Me"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Change the caller's password
         * @description Every token and every socket of the caller ends before the answer, which contains a fresh token.
         *     A wrong `current` is 400 and counts as a failed sign-in. Ten an hour.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ChangePasswordRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Token"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Register
         * @description The role is always `user`. Closed by `REGISTRATION=closed` (403); a taken name is 409. One network makes 200
         *     accounts at once, then one a minute.
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
                    "application/json": components["schemas"]["RegisterRequest"];
                };
            };
            responses: {
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SignedIn"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/auth/sessions": {
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
         * Sign out everywhere
         * @description Ends every token and every socket of the caller. With `keep=current` the answer contains a fresh
         *     token.
         */
        delete: {
            parameters: {
                query?: {
                    /** @description `current` */
                    keep?: "current";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Token"] | null;
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the settings for clients
         * @description For the sign-in page, which has no token yet.
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["ClientSettings"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/chat/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit log (admins)
         * @description Newest first. Reading the audit log is itself audited. `pagination` is `{limit, hasMore,
         *     nextBefore}`: rows that are added meanwhile shift none. `Accept: text/csv` for a spreadsheet,
         *     with times in the hospital's time zone.
         */
        get: {
            parameters: {
                query?: {
                    /** @description who acted */
                    actor?: string;
                    /** @description whom it concerned */
                    subject?: string;
                    /** @description such as `auth.failed` */
                    action?: string;
                    /** @description in this session */
                    session?: string;
                    /** @description at this time or later: RFC 3339, or a day (`TIME_ZONE`) */
                    from?: string;
                    /** @description at this time or earlier: RFC 3339, or a day (`TIME_ZONE`) */
                    to?: string;
                    /** @description `nextBefore` of an answer */
                    before?: string;
                    /** @description 1 to 200; 50 */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["AuditRow"][];
                            /** @description For a person. */
                            message?: string;
                            pagination: components["schemas"]["AuditPagination"];
                            /** @enum {boolean} */
                            success: true;
                        };
                        "text/csv": string;
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * @description At most `MAX_UPLOAD`; all files of a user together at most `UPLOAD_QUOTA`. The type is found by
         *     the content. Pictures (PNG, GIF, WebP of at most 64 million pixels, JPEG) lose their metadata of
         *     place, time and device. They get a thumbnail, except a JPEG of more than 200 million pixels.
         *     HEIC becomes a JPEG; other kinds of pictures are refused. A file that no message names is
         *     removed after a day. Four uploads of a user at once, 32 in all.
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
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["File"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description No file, two, an empty one, one without a name, or a damaged picture (`FILE_REJECTED`) */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too large (`MESSAGE_TOO_LARGE`), or no room left (`FILE_REJECTED`) */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No form, or a kind of picture that is not taken (`FILE_REJECTED`) */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many uploads at once */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/chat/files/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a file
         * @description For its uploader, and for every user who may read a message that names it; for all others it is
         *     not there. With a token, or under a signed address. `Range`, `If-Range` and `If-None-Match`
         *     work. Pictures, sounds and films that browsers show safely come inline, everything else as an
         *     attachment; content that a browser would run comes as bytes.
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
                        "application/octet-stream": string;
                        "application/pdf": string;
                        "audio/*": string;
                        "image/*": string;
                        "text/plain": string;
                        "video/*": string;
                    };
                };
                /** @description A part of it */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/octet-stream": string;
                        "application/pdf": string;
                        "audio/*": string;
                        "image/*": string;
                        "text/plain": string;
                        "video/*": string;
                    };
                };
                /** @description The client has it */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Not there for the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A part that it does not have */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/chat/files/{id}/link": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Create signed links to a file
         * @description For tags of a page, which send no header. They are valid for five minutes and end with the
         *     caller's token. The caller's right to the file is checked at each use.
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["FileLink"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Not there for the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
    "/api/chat/files/{id}/thumbnail": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a thumbnail
         * @description Download a thumbnail
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
                /** @description A JPEG or PNG of at most 320 pixels on each side */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "image/jpeg": string;
                        "image/png": string;
                    };
                };
                /** @description A part of it */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "image/jpeg": string;
                        "image/png": string;
                    };
                };
                /** @description The client has it */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Not there for the caller, or no picture */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A part that it does not have */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
                    "application/json": components["schemas"]["SendMessageRequest"];
                };
            };
            responses: {
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Message"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                            /** @description What the caller should know although it was done. */
                            warnings?: components["schemas"]["Warning"][];
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
                    "application/json": components["schemas"]["ForwardRequest"];
                };
            };
            responses: {
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Forwarded"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                            /** @description What the caller should know although it was done. */
                            warnings?: components["schemas"]["Warning"][];
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Search messages
         * @description Newest first. Several words mean all of them, in any order; quotes mean a phrase, in which signs
         *     that touch a word count (`"Rh-"`, `"≥38"`); there are no operators. Chinese is segmented,
         *     traditional and simplified are one; English is folded in case and stemmed; the word typed last
         *     may be a beginning of three letters. A number is found whole: `5 mg` is not in `0.5 mg`. File
         *     names are searched, too. Without a keyword, the newest that match the filters. Each message
         *     comes with `highlights`: pieces of its text as HTML, in which everything is escaped but the
         *     `<mark>` around the matches. While the index is being built, or catches up after a start, the
         *     answer has `indexing: true` beside `data`, and may be incomplete. Only the newest 10,000 can be
         *     paged through by `page`; with `cursor` (`pagination.nextCursor`) all, and messages sent
         *     meanwhile shift nothing.
         */
        get: {
            parameters: {
                query?: {
                    /** @description the caller */
                    userId?: string;
                    /** @description 1 to 200 characters; optional beside a filter */
                    keyword?: string;
                    /** @description `me`: only what names the caller; `all`: only what calls everybody */
                    mentions?: "me" | "all";
                    /** @description only in this session */
                    sessionId?: string;
                    /** @description only what this person wrote */
                    sender?: string;
                    /** @description `text`, `image`, `file` or `voice` */
                    messageType?: "text" | "image" | "file" | "voice";
                    /** @description written at this time or later: RFC 3339, or a day of the hospital's (`TIME_ZONE`) */
                    from?: string;
                    /** @description written at this time or earlier: RFC 3339, or a day of the hospital's (`TIME_ZONE`) */
                    to?: string;
                    page?: number;
                    /** @description 1 to 100 */
                    limit?: number;
                    /** @description `start`, then `nextCursor` of the answer, instead of `page` */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["FoundMessage"][];
                            /** @description True while the index is behind: there may be more than this. */
                            indexing?: boolean;
                            /** @description For a person. */
                            message?: string;
                            pagination: components["schemas"]["Pagination"];
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * Get a user's unread counts
         * @description Get a user's unread counts
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Unread"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * List a session's messages
         * @description Page 1 holds the newest; inside a page the oldest comes first. `beforeSeq` or `afterSeq` instead of
         *     `page` walk without counting; more than one of the three is 400.
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Message"][];
                            /** @description For a person. */
                            message?: string;
                            pagination: components["schemas"]["Pagination"];
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
                    "application/json": components["schemas"]["EditMessageRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Message"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                            /** @description What the caller should know although it was done. */
                            warnings?: components["schemas"]["Warning"][];
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
                    "application/json": components["schemas"]["SenderRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Tombstone"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * List earlier versions of a message (admins; audited)
         * @description List earlier versions of a message (admins; audited)
         */
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Edit"][];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Add a reaction
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
                    "application/json": components["schemas"]["ReactionRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Reactions"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * Remove a reaction
         * @description Remove a reaction
         */
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Reactions"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * Mark messages as read up to this one
         * @description Mark messages as read up to this one
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
                    "application/json": components["schemas"]["SenderRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["ReadMessage"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Recall a message
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Tombstone"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * List a message's receipts
         * @description List a message's receipts
         */
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Receipts"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Create a group
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
                    "application/json": components["schemas"]["CreateGroupRequest"];
                };
            };
            responses: {
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionInfo"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Open a private session
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
                    "application/json": components["schemas"]["CreatePrivateRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionListed"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionListed"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * List a user's sessions
         * @description The caller's own; admins may read those of others, which is audited. With `cursor`
         *     (`pagination.nextCursor` of the first page, and of each after it) the order stays that of the
         *     first page. No session is missed and none comes twice, whatever is sent meanwhile.
         */
        get: {
            parameters: {
                query?: {
                    page?: number;
                    /** @description 1 to 100 */
                    limit?: number;
                    /** @description `start`, then `nextCursor` of the answer, instead of `page` */
                    cursor?: string;
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionListed"][];
                            /** @description For a person. */
                            message?: string;
                            pagination: components["schemas"]["Pagination"];
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Update a group (owners and group admins)
         * @description Update a group (owners and group admins)
         */
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
                    "application/json": components["schemas"]["UpdateGroupRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionInfo"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * Get a session with its members
         * @description Get a session with its members
         */
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionInfo"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Add members (owners and group admins)
         * @description They see messages from now on, or all messages when the group's history is visible. An existing
         *     member stays unchanged.
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
                    "application/json": components["schemas"]["AddMembersRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionInfo"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Remove a member, or leave
         * @description They receive and read nothing of the group from then on. The last owner leaves last.
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["MemberRemoved"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change a member's role, mute the session, or silence a member
         * @description Owners and admins of a group silence members of lower rank: these read and do not write.
         */
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
                    "application/json": components["schemas"]["UpdateMemberRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["SessionInfo"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * Mark a session as read up to a `seq`
         * @description Without `seq`, or without a body, to the newest message.
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
                    "application/json": components["schemas"]["MarkReadRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["ReadResult"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Get overall statistics (admins)
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Overview"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                        "text/csv": string;
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * List statistics by department (admins)
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["DepartmentStatistics"][];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                        "text/csv": string;
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * List statistics by hour or day (admins)
         * @description Every hour or day is there, in the hospital's time zone (`TIME_ZONE`), oldest first. `Accept: text/csv`
         *     for a spreadsheet.
         */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 366, by the hour to 31; with today; 7 */
                    days?: number;
                    /** @description `hour` or `day`; `day` */
                    granularity?: "hour" | "day";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["TrendPeriod"][];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                        "text/csv": string;
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * List statistics by user (admins; audited)
         * @description `Accept: text/csv` for a spreadsheet. To read all users over several pages, use `sort=name` and
         *     `cursor`: other orders change with the messages sent meanwhile.
         */
        get: {
            parameters: {
                query?: {
                    /** @description 1 to 366, with today; 7 */
                    days?: number;
                    /** @description `messages`, `unread` or `response`, the most first; `name` */
                    sort?: "messages" | "unread" | "response";
                    /** @description `start`, then `nextCursor` of the answer, instead of `page`; with `sort=name` */
                    cursor?: string;
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["PersonStatistics"][];
                            /** @description For a person. */
                            message?: string;
                            pagination: components["schemas"]["Pagination"];
                            /** @enum {boolean} */
                            success: true;
                        };
                        "text/csv": string;
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Get a user's statistics
         * @description The caller's own; admins may read those of others, which is audited.
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["Stats"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * List the directory
         * @description By username, also after a `cursor` (`pagination.nextCursor`): users who are added or removed
         *     meanwhile shift none.
         */
        get: {
            parameters: {
                query?: {
                    page?: number;
                    /** @description 1 to 1000 */
                    limit?: number;
                    /** @description `start`, then `nextCursor` of the answer, instead of `page` */
                    cursor?: string;
                    role?: "admin" | "doctor" | "nurse" | "user";
                    /** @description parts of name, username, department or title in any order; pinyin */
                    search?: string;
                    /** @description only who is in this session of the caller's */
                    sessionId?: string;
                    /** @description `true` (the default); admins also `false` and `all` */
                    active?: "true" | "false" | "all";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["User"][];
                            /** @description For a person. */
                            message?: string;
                            pagination: components["schemas"]["Pagination"];
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Create an account (admins)
         * @description Create an account (admins)
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
                    "application/json": components["schemas"]["CreateUserRequest"];
                };
            };
            responses: {
                /** @description Made */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["User"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
        /**
         * List users who are online or away
         * @description List users who are online or away
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["OnlineUser"][];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
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
         * Update an account (admins), or the caller's own profile
         * @description Every user may change `contactsShared` and `avatar` of their own account; nobody else may change
         *     `contactsShared`. Deactivating, or a new password, ends the user's tokens and closes their
         *     sockets. The user is asked to change such a password: `mustChangePassword`.
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
                    "application/json": components["schemas"]["UpdateUserRequest"];
                };
            };
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: components["schemas"]["User"];
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/chat/users/{id}/sessions": {
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
         * Sign a user out everywhere (admins)
         * @description Ends every token and every socket of theirs.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            data: null;
                            /** @description For a person. */
                            message?: string;
                            /** @enum {boolean} */
                            success: true;
                        };
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description No token, a bad one, or one that has ended */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description This conflicts with what is there, or comes too late */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description More than is allowed */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The body's type is not taken */
                415: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The database is not reachable; `details.outcome` says what became of a change */
                503: {
                    headers: {
                        /** @description Seconds */
                        "Retry-After"?: number;
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
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
         * Get the service's health
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
                /** @description Success */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
                /** @description The input is malformed or not valid; `details` names every bad field */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The caller may not do this */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Absent, or not visible to the caller */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description The path has no such method */
                405: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description Too many calls; `Retry-After` says when to come again */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description A defect of the service */
                500: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Failure"];
                    };
                };
                /** @description MongoDB does not answer */
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
        /** @description The person who has signed in. */
        Account: components["schemas"]["User"] & {
            /** @description The same as `avatar`. */
            avatarUrl: string;
            isGuest: boolean;
            /** @description The same as `_id`. */
            userId: string;
        };
        /** @description `POST /api/chat/sessions/:id/participants` */
        AddMembersRequest: {
            userIds: string[];
        };
        /** @description What became of an answered message after it was answered. */
        AnsweredChange: {
            /** Format: date-time */
            at: string;
            /**
             * @description `edited`, `recalled` or `deleted`.
             * @enum {string}
             */
            kind: "edited" | "recalled" | "deleted";
        };
        /** @description A changed field; without values where nobody may see them. */
        AuditChange: {
            field: string;
            from?: string | null;
            to?: string | null;
        };
        /** @description Where a run of the audit log is. */
        AuditPagination: {
            hasMore: boolean;
            /** Format: int64 */
            limit: number;
            /** @description `before` of the next page; null at the end. */
            nextBefore?: string | null;
        };
        /** @description One entry of the audit log. */
        AuditRow: {
            _id: string;
            /**
             * @description `auth.login`, `auth.failed`, `auth.logout`, `auth.register`, `auth.guest`, `auth.password`, `user.create`, `user.change`,
             *     `user.password`, `users.inactive`, `sessions.list`, `stats`, `stats.people`, `message.delete`,
             *     `message.recall`, `message.edits`, `group.history`, `file.fetch`, `file.thumbnail`, `access.refused`,
             *     `audit.read`, `token.issue`, `command.seed` and other commands.
             */
            action: string;
            /** @description Who acted; null on the command line and before a user has signed in. */
            actor?: string | null;
            actorName?: string | null;
            address?: string | null;
            /** Format: date-time */
            at: string;
            changes: components["schemas"]["AuditChange"][];
            /**
             * Format: int64
             * @description How many acts of this kind the row stands for.
             */
            count: number;
            /** @description `chat`, `command` for the command line, `service` for what the service does by itself. */
            gateway: string;
            /** @description What it concerns besides: a message, a file, a call, the hash of a name that nobody here has. */
            object?: string | null;
            /**
             * @description `done`, `failed` or `refused`.
             * @enum {string}
             */
            outcome: "done" | "failed" | "refused";
            /**
             * @description In which capacity they acted: `user`, `agent`, `guest`, `customer`, `apiClient`, `backend` or `operator`; absent
             *     before a user has signed in, and in old entries.
             */
            principal?: string | null;
            requestId?: string | null;
            session?: string | null;
            /** @description Whom it concerns. */
            subject?: string | null;
            subjectName?: string | null;
            tokenId?: string | null;
        };
        /** @description `PUT /api/auth/password` */
        ChangePasswordRequest: {
            /** @description The password as it is. */
            current: string;
            /** @description 8 to 128 characters; not the username, not the real name, none of the commonest. */
            next: string;
        };
        /** @description What the service's settings say to clients. */
        ClientSettings: {
            /**
             * Format: int64
             * @description Seconds without use after which a shared workstation signs out; null: never.
             */
            autoLogoff?: number | null;
            /** @description The languages in which the service speaks to people. */
            languages: string[];
            /**
             * @description The most that an alert shows: `none`, `sender` or `text`.
             * @enum {string}
             */
            notifyContentMax: "none" | "sender" | "text";
            /**
             * @description `open` or `closed`: whether people may register themselves.
             * @enum {string}
             */
            registration: "open" | "closed";
        };
        /** @description `POST /api/chat/sessions/group` */
        CreateGroupRequest: {
            avatar?: string | null;
            historyVisible?: boolean | null;
            /** @description With the caller 2 to 500 people. */
            participants: string[];
            /** @description 1 to 100 characters. */
            sessionName: string;
            /** @description At most 500 characters. */
            topic?: string | null;
        };
        /** @description `POST /api/chat/sessions/private` */
        CreatePrivateRequest: {
            userId1: string;
            userId2: string;
        };
        /** @description `POST /api/chat/users` */
        CreateUserRequest: {
            avatar?: string | null;
            department?: string | null;
            email?: string | null;
            /** @description `staff` (the default) or `customer`. */
            kind?: string | null;
            password: string;
            phone?: string | null;
            /** @description The username when absent. */
            realName?: string | null;
            /**
             * @description `admin`, `doctor`, `nurse` or `user`.
             * @enum {string}
             */
            role: "admin" | "doctor" | "nurse" | "user";
            title?: string | null;
            username: string;
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
        EditMessageRequest: {
            /** @description 1 to 8,000 characters. */
            content: string;
            /** @description Ids of members, or `all`; absent, they stay. */
            mentions?: string[] | "all" | null;
        };
        /** @description Failures to sign in under this name since its last sign-in; returned once. */
        FailedSignIns: {
            /** Format: int64 */
            count: number;
            /** Format: date-time */
            since: string;
        };
        /** @description A failure, whatever the call. */
        Failure: {
            /**
             * @description Stable: clients match on it.
             * @example VALIDATION_FAILED
             * @enum {string}
             */
            code: "AUTH_FAILED" | "TOKEN_EXPIRED" | "FORBIDDEN" | "NOT_FOUND" | "INVALID_MESSAGE" | "VALIDATION_FAILED" | "CONVERSATION_NOT_FOUND" | "MESSAGE_TOO_LARGE" | "RATE_LIMITED" | "CONFLICT" | "WINDOW_CLOSED" | "FILE_REJECTED" | "INTERNAL";
            /** @description Bad fields and what is wrong with each; `outcome` with 503; `retryAfter` with 429. */
            details?: {
                [key: string]: unknown;
            } | null;
            /** @description For a developer. */
            error: string;
            /**
             * @description Of each bad field a stable code to put into words: `REQUIRED`, `EMPTY`, `TYPE`, `TOO_LONG`, `LENGTH`,
             *     `RANGE`, `REPEATED`, `TOGETHER`, `EMAIL`, `ID`, or one of the field's own; else `INVALID`.
             */
            fieldCodes?: {
                [key: string]: string;
            } | null;
            /** @description For a person, in the request's language. */
            message: string;
            /**
             * @description Always `false`.
             * @enum {boolean}
             */
            success: false;
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
        ForwardRequest: {
            /** @description The same one again is the same request. */
            clientMsgId?: string | null;
            /** @description 1 to 100. */
            messageIds: string[];
            /**
             * @description `each` (the default): as many messages; `merged`: one that carries all.
             * @enum {string|null}
             */
            mode?: "each" | "merged" | null;
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
            /**
             * Format: date-time
             * @description When the words that were forwarded had been edited; absent when never.
             */
            editedAt?: string | null;
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
        /** @description `POST /api/auth/guest`; every field may be missing, and so may the body. */
        GuestRequest: {
            /** @description The same as `nickname`. */
            guestName?: string | null;
            /** @description At most 32 characters; the username when absent. */
            nickname?: string | null;
        };
        /** @description How the service is, exactly as the source shows it. */
        Health: {
            message: string;
            /**
             * @description `ok`, or `degraded` when MongoDB does not answer.
             * @enum {string}
             */
            status: "ok" | "degraded";
            /** Format: date-time */
            timestamp: string;
        };
        /** @description What the newest message is, beside its text: enough for the line of a list. */
        LastMessageSummary: {
            isDeleted: boolean;
            /**
             * @description `text`, `image`, `file`, `voice`; `merged` for several forwarded as one; `system` for what a group
             *     wrote about itself.
             * @enum {string}
             */
            kind: "text" | "image" | "file" | "voice" | "merged" | "system";
            sender: string;
            /** @description Whom a system message is about, the first twenty. */
            subjects: string[];
            /**
             * @description `joined`, `left`, `renamed` …: which system message it is; null for what a person wrote.
             * @enum {string|null}
             */
            system?: "joined" | "left" | "removed" | "renamed" | "topic" | "avatar" | "history" | "role" | "silenced" | "unsilenced" | null;
        };
        /** @description `POST /api/auth/login` */
        LoginRequest: {
            password: string;
            username: string;
        };
        /** @description `POST /api/chat/sessions/:id/read` */
        MarkReadRequest: {
            /**
             * Format: int64
             * @description Everything when absent.
             */
            seq?: number | null;
        };
        /** @description The caller, and the settings for clients. */
        Me: components["schemas"]["User"] & {
            settings: components["schemas"]["ClientSettings"];
            /** @description What this person's storage on a device is encrypted with. */
            storageKey: string;
        };
        /** @description A member of a session. */
        Member: {
            /** Format: date-time */
            joinedAt: string;
            /** @description Whether the member muted the session. */
            muted: boolean;
            /**
             * Format: int64
             * @description Everything up to this `seq` is read.
             */
            readSeq: number;
            /**
             * @description `owner`, `admin` or `member`.
             * @enum {string}
             */
            role: "member" | "admin" | "owner";
            /** @description Whether the group lets the member read only. */
            silenced: boolean;
            userId: string;
        };
        /** @description A user is no longer a member. */
        MemberRemoved: {
            /** Format: int64 */
            rev: number;
            sessionId: string;
            /** @description The former members. */
            userId: string;
        };
        /** @description One message inside a merged one. */
        MergedMessage: {
            content: string;
            /** Format: date-time */
            createdAt: string;
            /**
             * Format: date-time
             * @description When the words that were forwarded had been edited; absent when never.
             */
            editedAt?: string | null;
            fileName: string;
            /** Format: int64 */
            fileSize: number;
            fileUrl: string;
            messageId: string;
            /** @enum {string} */
            messageType: "text" | "image" | "file" | "voice";
            /** @description Of the file, as its content says. */
            mimeType?: string | null;
            sender: string;
        };
        /** @description A message. */
        Message: {
            _id: string;
            clientMsgId?: string | null;
            content: string;
            /** Format: date-time */
            createdAt: string;
            /** @description Who deleted it; absent when its sender took it back. */
            deletedBy?: string | null;
            /**
             * Format: int64
             * @description How many have got it, those who have read it among them.
             */
            deliveredCount: number;
            /** Format: date-time */
            editedAt?: string | null;
            /** @description SHA-256 of the file, hexadecimal; absent as `mimeType` is. */
            fileDigest?: string | null;
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
            mentions?: string[] | "all" | null;
            merged?: components["schemas"]["MergedMessage"][];
            /** @description `merged` was left out of a page by number that would have been too heavy; by `beforeSeq` it comes whole. */
            mergedOmitted?: boolean;
            /**
             * @description `text`, `image`, `file` or `voice`.
             * @enum {string}
             */
            messageType: "text" | "image" | "file" | "voice";
            /** @description Of the file, as its content says; absent without a file, and in messages of before it was written down. */
            mimeType?: string | null;
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
             * Format: date-time
             * @description Since when that message said what was answered, as the answer's author told.
             */
            replyToAsOf?: string | null;
            replyToChange?: components["schemas"]["AnsweredChange"] | null;
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
            /**
             * @description `sent`, `delivered` or `read`: by anybody but its sender.
             * @enum {string}
             */
            status: "sent" | "delivered" | "read";
            /** @description Whom a system message is about. */
            subjects?: string[] | null;
            /**
             * @description `joined`, `left`, `removed`, `renamed`, `topic`, `avatar`, `history`, `role`, `silenced` or `unsilenced`: the group wrote
             *     it about itself.
             * @enum {string|null}
             */
            system?: "joined" | "left" | "removed" | "renamed" | "topic" | "avatar" | "history" | "role" | "silenced" | "unsilenced" | null;
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
        /** @description A person who is online or away. */
        OnlineUser: components["schemas"]["User"] & {
            /** @description The same person, as the entries of the original's list name them. */
            userId: components["schemas"]["Profile"];
        };
        /** @description Overall statistics. */
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
            users: components["schemas"]["UserTotals"];
        };
        /** @description Where a page stands in its list. */
        Pagination: {
            /**
             * Format: int64
             * @description The same as `page`.
             */
            current: number;
            hasMore: boolean;
            /** Format: int64 */
            limit: number;
            /** @description `cursor` of the next page; absent at the end, and in lists without cursors. */
            nextCursor?: string;
            /** Format: int64 */
            page: number;
            /** Format: int64 */
            pages: number;
            /** Format: int64 */
            total: number;
            /**
             * Format: int64
             * @description The same as `total`.
             */
            totalCount: number;
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
            /** @enum {string} */
            role: "admin" | "doctor" | "nurse" | "user";
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
        /** @description How a person is shown beside what they wrote or where they are. */
        Profile: {
            _id: string;
            avatar: string;
            realName: string;
            role: string;
            username: string;
        };
        /** @description Everybody who reacted with one emoji. */
        Reaction: {
            emoji: string;
            users: string[];
        };
        /** @description `POST /api/chat/messages/:id/reactions` */
        ReactionRequest: {
            /** @description Exactly one emoji. */
            emoji: string;
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
        /** @description A message that its reader has just read. */
        ReadMessage: components["schemas"]["Message"] & {
            /**
             * Format: int64
             * @description The caller's unread messages left, in all sessions.
             */
            unreadCount: number;
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
        /** @description How far a message has come with one person. */
        Receipt: {
            /** Format: date-time */
            deliveredAt?: string | null;
            /** Format: date-time */
            readAt?: string | null;
            userId: string;
        };
        /** @description To whom a message was delivered, and who has read it. */
        Receipts: {
            /** Format: int64 */
            deliveredCount: number;
            messageId: string;
            /** Format: int64 */
            readCount: number;
            /**
             * @description Every member but its sender, and who has got it and left since; of those who are not active any more only
             *     who has read it.
             */
            receipts: components["schemas"]["Receipt"][];
            /** Format: int64 */
            seq: number;
            sessionId: string;
        };
        /** @description `POST /api/auth/register`; the role is always `user`. */
        RegisterRequest: {
            avatar?: string | null;
            email?: string | null;
            /** @description 8 to 128 characters; not the username, not the real name, none of the commonest. */
            password: string;
            phone?: string | null;
            /** @description The username when absent. */
            realName?: string | null;
            /** @description 3 to 32 letters, digits, `.`, `_`, `-`; unique without regard to case. */
            username: string;
        };
        /**
         * @description How long answers took: from a user's first unanswered message to the next message of another user
         *     in that session.
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
        /** @description `POST /api/chat/messages` and `message:send` */
        SendMessageRequest: {
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
            mentions?: string[] | "all" | null;
            /**
             * @description `text` (the default), `image`, `file` or `voice`.
             * @enum {string|null}
             */
            messageType?: "text" | "image" | "file" | "voice" | null;
            /** @description Must be the other participant of a private session. */
            receiverId?: string | null;
            /** @description The message of the same session that this one answers. */
            replyTo?: string | null;
            /**
             * Format: date-time
             * @description Since when that message says what the sender sees: its `editedAt`, or its `createdAt`. Readers are then told when it
             *     was edited before the answer arrived.
             */
            replyToAsOf?: string | null;
            senderId: string;
            sessionId: string;
        };
        /** @description A body that names its author: `{userId}`. */
        SenderRequest: {
            userId: string;
        };
        /** @description A session document. */
        Session: {
            _id: string;
            /** @description Groups only. */
            avatar?: string;
            /** Format: date-time */
            createdAt: string;
            /** @description Who made a group; absent of one that is older than this field. */
            createdBy?: string | null;
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
            /**
             * @description `private` or `group`.
             * @enum {string}
             */
            sessionType: "private" | "group";
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
            lastMessageSummary?: components["schemas"]["LastMessageSummary"] | null;
            /** @description Whether the user muted the session. */
            muted: boolean;
            participantProfiles: components["schemas"]["User"][];
            /**
             * @description What the asked person is in it: `owner`, `admin` or `member`.
             * @enum {string}
             */
            role: "member" | "admin" | "owner";
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
        /** @description A user with a new token. */
        SignedIn: {
            /** @description The same as `token`. */
            accessToken: string;
            /** Format: date-time */
            expiresAt: string;
            /**
             * Format: int64
             * @description When the token ends, Unix seconds.
             */
            expiresIn: number;
            failedSignIns?: components["schemas"]["FailedSignIns"] | null;
            settings: components["schemas"]["ClientSettings"];
            /** @description What this person's storage on a device is encrypted with: the same at each sign-in. */
            storageKey: string;
            token: string;
            user: components["schemas"]["Account"];
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
        /** @description A token. */
        Token: {
            /** Format: date-time */
            expiresAt: string;
            token: string;
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
        /** @description A user's unread counts. */
        Unread: {
            /** @description Session id → count; only sessions with something unread. */
            bySession: {
                [key: string]: number;
            };
            /** Format: int64 */
            unreadCount: number;
        };
        /** @description Unread messages of all users in all sessions, now. */
        UnreadBacklog: {
            /**
             * Format: int64
             * @description How many users have any.
             */
            people: number;
            /** Format: int64 */
            total: number;
        };
        /** @description `PATCH /api/chat/sessions/:id`; what is absent stays. */
        UpdateGroupRequest: {
            avatar?: string | null;
            /** @description `true` opens the past to everybody, also to those who came later. */
            historyVisible?: boolean | null;
            sessionName?: string | null;
            topic?: string | null;
        };
        /** @description `PATCH /api/chat/sessions/:id/participants/:userId` */
        UpdateMemberRequest: {
            /** @description Everybody mutes for themselves. */
            muted?: boolean | null;
            /**
             * @description `owner`, `admin` or `member`: owners give roles.
             * @enum {string|null}
             */
            role?: "member" | "admin" | "owner" | null;
            /** @description Set by owners and admins: the member reads and does not write. */
            silenced?: boolean | null;
        };
        /** @description `PATCH /api/chat/users/:id`; what is absent stays. */
        UpdateUserRequest: {
            avatar?: string | null;
            /** @description Only of oneself: show telephone number and e-mail address to everybody. */
            contactsShared?: boolean | null;
            department?: string | null;
            email?: string | null;
            isActive?: boolean | null;
            /** @description Whether they answer at the service desk; staff only. */
            isAgent?: boolean | null;
            /** @description A new password ends the person's tokens. */
            password?: string | null;
            phone?: string | null;
            realName?: string | null;
            /** @enum {string|null} */
            role?: "admin" | "doctor" | "nurse" | "user" | null;
            title?: string | null;
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
            /** @description They show their telephone number and e-mail address to everybody. */
            contactsShared: boolean;
            /** Format: date-time */
            createdAt: string;
            department: string;
            /** @description Empty where the reader does not get it (`DIRECTORY_CONTACTS`). */
            email: string;
            /** @description The same as `_id`. */
            id: string;
            isActive: boolean;
            /** @description Whether they answer at the service desk. */
            isAgent: boolean;
            /** @description `staff`, `guest` or `customer`. */
            kind: string;
            /** Format: date-time */
            lastSeen?: string | null;
            /**
             * @description Another user set the password: the client asks for a new one first. Only the user receives this, and
             *     only while it is true: a search of the answers for passwords finds nothing.
             */
            mustChangePassword?: boolean | null;
            /** @description Empty where the reader does not get it (`DIRECTORY_CONTACTS`). */
            phone: string;
            realName: string;
            /**
             * @description `admin`, `doctor`, `nurse` or `user`.
             * @enum {string}
             */
            role: "admin" | "doctor" | "nurse" | "user";
            /** @description They made the account themselves, and no admin has changed it since. */
            selfRegistered: boolean;
            /**
             * @description `online`, `away` or `offline`.
             * @enum {string}
             */
            status: "online" | "away" | "offline";
            title: string;
            /** Format: date-time */
            updatedAt: string;
            username: string;
        };
        /** @description Users: accounts and presence. */
        UserTotals: {
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
        /** @description Something that the caller should know although it was done. */
        Warning: {
            /**
             * @description `MENTION_INACTIVE`: these people are not active any more and were not mentioned. `NO_ACTIVE_RECIPIENT`:
             *     no other member of the group is active.
             * @enum {string}
             */
            code: "MENTION_INACTIVE" | "NO_ACTIVE_RECIPIENT";
            userIds?: string[] | null;
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
