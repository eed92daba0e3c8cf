/** Set by the build from package.json. */
declare const VERSION: string;
