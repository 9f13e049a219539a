// Texts, plural forms, dates and numbers in the reader's language. Nothing else here knows a language.

import { isMinute } from './time.js';

/** @typedef {{isWhole: boolean, texts: Record<string, any>}} Spoken *isWhole*: with what comes behind the first lines. */

/** @type {Record<string, Spoken>} The languages that are there. */
const spoken = {};

/** @param {string} language @param {boolean} isWhole */
export function isLoaded(language, isWhole) {
  return language in spoken && (spoken[language].isWhole || !isWhole);
}

/** @param {string} language One that the panel speaks. @param {boolean} isWhole */
export async function loadLanguage(language, isWhole) {
  const [first, rest] = await Promise.all([import(`./locales/${language}.js`), isWhole ? import(`./locales/${language}-rest.js`) : null]);
  if (!isLoaded(language, isWhole)) spoken[language] = { isWhole, texts: { ...first.default, ...rest?.default } };
}

export class Translator {
  /**
   * @param {string} language One that is loaded.
   * @param {string} tag What the page asks for, such as `fr-CA`.
   * @param {string} zone The IANA zone of every time that is shown.
   */
  constructor(language, tag, zone) {
    this.language = language;
    this.locale = localeFor(tag, language);
    this.zone = zone;
    const { isWhole, texts } = spoken[language];
    this.isWhole = isWhole;
    this._texts = texts;
    this._plural = new Intl.PluralRules(this.locale);
    this._number = new Intl.NumberFormat(this.locale);
    this._dateTime = new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeStyle: 'medium', timeZone: zone });
    this._time = new Intl.DateTimeFormat(this.locale, { timeStyle: 'medium', timeZone: zone });
    this._offset = new Intl.DateTimeFormat(this.locale, { timeZone: zone, timeZoneName: 'shortOffset' });
    this._day = new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeZone: 'UTC' });
    this._minute = new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
    this._weekday = new Intl.DateTimeFormat(this.locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
    this._relative = new Intl.RelativeTimeFormat(this.locale, { numeric: 'auto' });
  }

  /** Whether there is a text of that key. @param {string} key */
  has(key) {
    return key in this._texts;
  }

  /**
   * A plain text. Values from outside are isolated, so that none can turn what stands around it.
   * @param {string} key
   * @param {Record<string, string|number>} [values]
   */
  text(key, values = {}) {
    return this.parts(key, values).join('');
  }

  /**
   * The text in parts, for a template: values may be templates themselves.
   * @param {string} key
   * @param {Record<string, unknown>} [values]
   * @returns {unknown[]}
   */
  parts(key, values = {}) {
    return fill(this._texts[key], values);
  }

  /**
   * The form of a text that *count* asks for, with `{count}` filled in.
   * @param {string} key
   * @param {number} count
   * @param {Record<string, string|number>} [values]
   */
  plural(key, count, values = {}) {
    const forms = this._texts[key];
    const form = forms[this._plural.select(count)] ?? forms.other;
    return fill(form, { count: this.number(count), ...values }).join('');
  }

  /** @param {number} value */
  number(value) {
    return this._number.format(value);
  }

  /** "24 Nov 2026, 10:31:07", in the chosen zone. @param {Date} instant */
  dateTime(instant) {
    return this._dateTime.format(instant);
  }

  /** "10:31:07", in the chosen zone. @param {Date} instant */
  time(instant) {
    return this._time.format(instant);
  }

  /** "Tuesday, 24 November 2026". @param {string} day */
  weekday(day) {
    return this._weekday.format(new Date(`${day}T00:00:00Z`));
  }

  /** "24 Nov 2026, 10:31:07 UTC+1": no hour is told twice. @param {Date} instant */
  exactTime(instant) {
    const offset = this._offset.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
    return `${this.dateTime(instant)} ${offset.replace('GMT', 'UTC')}`;
  }

  /** A calendar day, given as `YYYY-MM-DD`. @param {string} day */
  day(day) {
    return this._day.format(new Date(`${day}T00:00:00Z`));
  }

  /** "24 Nov 2026", or "24 Nov 2026, 14:00". @param {string} moment A day, or a minute of one. */
  moment(moment) {
    return isMinute(moment) ? this._minute.format(new Date(`${moment}:00Z`)) : this.day(moment);
  }

  /** "3 minutes ago". @param {Date} instant @param {Date} now */
  relative(instant, now) {
    const seconds = (instant.getTime() - now.getTime()) / 1000;
    for (const [unit, size] of UNITS) {
      if (Math.abs(seconds) >= size) return this._relative.format(Math.trunc(seconds / size), unit);
    }
    return this._relative.format(Math.trunc(seconds), 'second');
  }
}

const UNITS = /** @type {const} */ ([
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]);

/** @param {string} text @param {Record<string, unknown>} values */
function fill(text, values) {
  return text.split(/\{(\w+)\}/).map((part, index) => (index % 2 ? values[part] : part));
}

/**
 * How dates and numbers are written: as *tag* says, or, where that names no region, as the reader's browser does.
 * @param {string} tag
 * @param {string} language The panel's, which *tag* may lack.
 */
function localeFor(tag, language) {
  const fitting = [tag, ...navigator.languages].filter((one) => {
    try {
      return new Intl.Locale(one).language === language;
    } catch {
      return false;
    }
  });
  return fitting.find((one) => new Intl.Locale(one).region) ?? language;
}

/** What can turn the text around it. */
export const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * A name for a plain text such as an accessible name: isolated, and without characters that would end the isolation.
 * @param {string} name
 */
export function isolated(name) {
  return `\u2068${name.replace(BIDI_CONTROLS, '')}\u2069`;
}
