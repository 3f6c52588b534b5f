"""Numbers and addresses of people as they write them, in sentences, forms, tables and logs; and numbers of other things."""

from .marked import S, V, record, table, text

PHONES = {
    "us": ["(415) 555-01§d2§", "415-555-01§d2§", "+1 415 555 01§d2§", "+1-415-555-01§d2§", "+1 (415) 555-01§d2§", "1-415-555-01§d2§", "+141555501§d2§", "415.555.01§d2§", "(415)555-01§d2§"],
    "uk": ["020 7946 0§d3§", "+44 20 7946 0§d3§", "07700 900§d3§", "+44 7700 900§d3§", "+447700900§d3§", "+44 (0)20 7946 0§d3§", "0131 496 0§d3§"],
    "de": ["+49 30 2312 5§d3§", "+49 (0)30 23125§d3§", "+49 171 39200§d2§", "+491713920§d3§"],
    "fr": ["+33 1 99 00 §d2§ §d2§", "01 99 00 §d2§ §d2§", "06.39.98.§d2§.§d2§", "+33639980§d3§"],
    "es": ["+34 612 345 §d3§", "+34 91 123 4§d3§"], "it": ["+39 06 1234 5§d3§", "+39 345 678 9§d3§"], "nl": ["+31 6 1234 5§d3§", "06-12345§d3§"], "se": ["+46 70 174 06 §d2§", "070-174 06 §d2§"],
    "ch": ["+41 79 123 45 §d2§", "079 123 45 §d2§"], "at": ["+43 1 58858 §d3§"], "pl": ["+48 601 234 §d3§"], "cz": ["+420 601 234 §d3§"], "pt": ["+351 912 345 §d3§"], "gr": ["+30 21 0123 4§d3§"], "ie": ["+353 85 123 4§d3§"], "no": ["+47 406 12 §d3§"], "dk": ["+45 32 12 34 §d2§"], "fi": ["+358 40 123 4§d3§"],
    "tr": ["+90 532 123 45 §d2§", "0532 123 45 §d2§"], "ru": ["+7 495 123-45-§d2§", "8 (495) 123-45-§d2§", "+7 (912) 345-67-§d2§"], "ua": ["+380 44 123 45 §d2§"], "il": ["+972 54-123-4§d3§", "054-1234§d3§"], "ae": ["+971 50 123 4§d3§"], "in": ["+91 98765 43§d3§", "+91-98765-43§d3§"], "cn": ["+86 138 0013 8§d3§"],
    "jp": ["+81 90-1234-5§d3§", "090-1234-5§d3§", "03-1234-5§d3§"], "kr": ["+82 10-1234-5§d3§", "010-1234-5§d3§"], "au": ["+61 491 570 §d3§", "0491 570 §d3§", "(02) 5550 1§d3§"], "nz": ["+64 21 123 4§d3§"], "br": ["+55 11 91234-5§d3§", "(11) 91234-5§d3§"], "mx": ["+52 55 1234 5§d3§"], "ar": ["+54 9 11 1234-5§d3§"], "za": ["+27 82 555 0§d3§"], "ng": ["+234 803 123 4§d3§"], "ke": ["+254 712 345 §d3§"], "eg": ["+20 100 123 4§d3§"], "sg": ["+65 9123 4§d3§"], "my": ["+60 12-345 6§d3§"], "ph": ["+63 917 123 4§d3§"], "id": ["+62 812-3456-7§d3§"], "th": ["+66 81 234 5§d3§"], "vn": ["+84 91 234 56 §d2§"], "pk": ["+92 300 1234§d3§"],
}
CONTEXTS = [
    "Contact Eve at ⟦§email§⟧ or {p}", "Please call {p} before noon.\n", '{{"name":"Ivo","phone":"{p}"}}', "name,phone\nIvo,{p}\n", "Phone: {p}\n", "SMS sent to {p} (1 part)\n", "BEGIN:VCARD\nTEL;TYPE=CELL:{p}\nEND:VCARD\n", "  phone: \"{p}\"\n  city: Oslo\n", "INSERT INTO contacts VALUES (7, 'Ivo', '{p}');\n", "2025-11-03 10:00:00 INFO callback requested number={p} lang=en\n", "Tove ({p}) asked twice.", "{p}\n", "telephoneNumber: {p}\nsn: Berg\n", "TABLE", "<td>{p}</td>\n", "- {p}, ask for Hana\n",
]


def phones():
    at = 0
    for country, forms in PHONES.items():
        for n, form in enumerate(forms):
            for turn in range(2):
                context = CONTEXTS[at % len(CONTEXTS)]
                at += 5 if turn else 3
                if context == "TABLE":
                    text(f"pe-{country}-{n}-{turn}", table(["id", "name", "phone"], [["1", "Eve", f"⟦{form}⟧"]]))
                else:
                    text(f"pe-{country}-{n}-{turn}", context.format(p=f"⟦{form}⟧"))


def others():
    for n, one in enumerate([
        "⟦eve_larsen-9@sub.mail.example.co.uk⟧ wrote\n", "mailto:⟦§email§⟧?subject=hi\n", "Reply-To: ⟦§email§⟧\n", "cc ⟦§email§⟧; ⟦§email§⟧\n", "'⟦§email§⟧',\n", "email = ⟦§email§⟧\n", "(⟦§email§⟧)\n", "user:⟦§email§⟧\n", "email:⟦§email§⟧,role:admin\n", "/users/⟦§email§⟧/roles\n", "sub=⟦§email§⟧ iss=x\n", "\"Eve Larsen\" <⟦§email§⟧>\n", "Cc: Eve <⟦§email§⟧>,\n Ivo <⟦§email§⟧>\n", "⟦§email§⟧ 2025-11-03 login ok\n", "|⟦§email§⟧|\n",
        "charge ⟦§card§⟧ 19.90 EUR\n", "PAN ⟦§card§⟧\n", "cc_number: \"⟦§card§⟧\"\n", "4 cards: ⟦§card§⟧, ⟦§card§⟧\n", "<Number>⟦§card§⟧</Number>\n", "card_no=⟦§card§⟧&amount=5\n", "Visa ⟦4532 0151 1283 0366⟧\n", "MC ⟦5425-2334-3010-9903⟧ declined\n", "amex ⟦3714 496353 98431⟧\n", "JPY 500 on ⟦3530111333300000⟧\n",
        "SSN ⟦§ssn§⟧ verified\n", "ssn,name\n⟦§ssn§⟧,Eve\n", "<ssn>⟦§ssn§⟧</ssn>\n", "(SSN: ⟦§ssn§⟧)\n", "taxpayer ⟦§ssn§⟧ owes 12\n", "Social Security No. ⟦§ssn§⟧\n",
        "IBAN: ⟦§iban§⟧\n", "iban=⟦§iban§⟧&bic=X\n", '{"iban":"⟦§iban§⟧"}', "transfer from ⟦§iban§⟧ to ⟦§iban§⟧\n", "| ⟦§iban§⟧ | 19.90 |\n", "Konto ⟦DE89 3704 0044 0532 0130 00⟧\n", "account ⟦FR1420041010050500013M02606⟧ closed\n", "⟦ES9121000418450200051332⟧\n",
    ]):
        text(f"pe-o-{n}", one)


def harmless():
    for n, one in enumerate([
        "order 415-5550 shipped\n", "SKU 415-555-0\n", "2025-11-03 555 0123\n", "extension 0123\n", "+49\n", "+1 point\n", "+12 -34 lines\n", "0800\n", "911 or 112\n", "id 41555501234567\n", "10.0.0.45\n", "range 020-794\n", "01 02 03 04\n", "de ad be ef 01 02\n", "00 11 22 33 44 55 66 77\n", "port 02079\n", "0x0207946\n", "2025 1103 1000\n", "1,234,567,890\n", "1 234 567 890 bytes\n", "12 345 678\n", "3.141 592 653\n", "(12) 345\n", "(2025) 11-03\n", "fig. (11) 9-10\n", "ticket #0905550123\n", "job 0491570\n", "col 040 570\n", "090-12-34\n", "03-12-2025\n", "06-12-34\n", "2025-03-12 03:12:34\n", "07-11-2025 10:00\n", "082 555\n", "0171/23\n", "rev 010-12\n", "rfc 2119, 8174\n", "mod 97-10\n", "8 (495) files\n", "8 (eight)\n", "(02) see page 5550\n", "(11) 91 items\n", "05-12 to 05-19\n", "chapter 054-1\n", "079 of 123\n",
        "user at example.com\n", "@example.com\n", "eve@\n", "a@b@c\n", "eve@localhost\n", "x@y.1\n", "@media (max-width: 600px)\n", "git@github.com:acme/app\n", "%40example.com\n", "noreply@example.com\n", "do-not-reply@example.com\n",
        "4532 0151 1283 0367\n", "5425233430109904 declined\n", "371449635398430\n", "4532-0151\n", "0000 0000 0000 0000\n", "1111111111111111\n", "1234 5678 9012 3456\n", "ref 9999 8888 7777 6666\n", "123-45-678\n", "12-345-6789\n", "000-45-6789\n", "999-45-6789\n", "123-00-6789\n", "123-45-0000\n", "DE89 3704 0044 0532 0130 01\n", "DE8937040044\n", "XX00 1234\n", "GB29 NWBK\n",
    ]):
        text(f"pe-h{n}", one)


def make():
    phones()
    others()
    harmless()
