//! Titles of documents and the words that bear them out, folded and without spaces.

use quittance_domain::kind::DocumentType::{
    self, BankStatement, CardStatement, CreditNote, DeliveryNote, Invoice, Payslip, PurchaseOrder,
    Quote, Receipt, Reminder,
};

/// What a title needs besides its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    /// Nothing: nobody else begins a line so.
    Nothing,
    /// To stand out, or words that bear it out.
    Either,
    /// Both.
    Both,
}

/// Titles by what they say and need; French first, then English, German, Spanish, Dutch.
pub(super) const TITLES: &[(DocumentType, Needs, &str)] = &[
    (
        Receipt,
        Needs::Either,
        "recu|recudepaiement|recudecaisse|ticket|ticketdecaisse|ticketclient|ticketdecarte|ticketcb|noterestaurant|\
      notedefrais|receipt|salesreceipt|cashreceipt|paymentreceipt|officialreceipt|taxreceipt|salereceipt|cashbill|\
      cashsale|cashsales|guestcheck|customercopy|quittung|kassenbon|kassenbeleg|kassenzettel|zahlungsbeleg|\
      barverkauf|kundenbeleg|recibo|recibodepago|tique|tiquedecompra|ticketdecompra|kassabon|kasticket|kwitantie|\
      betaalbewijs",
    ),
    (
        Invoice,
        Needs::Either,
        "facture|factureacquittee|facturedacompte|facturedesolde|facturedevente|facturesimplifiee|facturetva|\
      notedhonoraires|noteddhonoraires|invoice|taxinvoice|salesinvoice|commercialinvoice|simplifiedtaxinvoice|\
      vatinvoice|taxinvoicereceipt|bill|guestfolio|rechnung|handelsrechnung|schlussrechnung|teilrechnung|\
      abschlagsrechnung|barrechnung|rechnungquittung|honorarnote|factura|facturasimplificada|facturacompleta|\
      factuur|verkoopfactuur|kopiefactuur|rekening|fattura|fatura",
    ),
    (
        CreditNote,
        Needs::Either,
        "avoir|factureavoir|facturedavoir|notedecredit|creditnote|creditmemo|creditinvoice|refund|refundreceipt|\
      gutschrift|rechnungskorrektur|stornorechnung|notadecredito|facturarectificativa|abono|creditnota|\
      creditfactuur",
    ),
    (
        Quote,
        Needs::Either,
        "devis|devisestimatif|devisdescriptif|devisquantitatif|devisgratuit|devistravaux|propositioncommerciale|\
      propositiondeprix|offredeprix|offrecommerciale|factureproforma|proformainvoice|quote|quotation|\
      pricequotation|pricequote|salesquote|salesquotation|estimate|costestimate|repairestimate|angebot|preisangebot|\
      kostenvoranschlag|kostenschatzung|proformarechnung|presupuesto|cotizacion|ofertacomercial|facturaproforma|\
      offerte|prijsopgave|prijsofferte|proformafactuur",
    ),
    (Quote, Needs::Both, "offre|estimation|oferta|offer|proforma"),
    (
        PurchaseOrder,
        Needs::Either,
        "bondecommande|commandefournisseur|confirmationdecommande|accusedereceptiondecommande|purchaseorder|\
      orderconfirmation|auftragsbestatigung|bestellbestatigung|bestellung|ordendecompra|hojadepedido|notadepedido|\
      confirmaciondepedido|bestelbon|inkooporder|orderbevestiging|opdrachtbevestiging|bestelbevestiging",
    ),
    (PurchaseOrder, Needs::Both, "pedido|bestelling|salesorder"),
    (
        DeliveryNote,
        Needs::Either,
        "bondelivraison|bordereaudelivraison|deliverynote|deliveryorder|deliveryslip|packingslip|packinglist|\
      despatchnote|dispatchnote|lieferschein|albaran|albarandeentrega|notadeentrega|pakbon|leveringsbon|afleverbon|\
      leverbon",
    ),
    (
        BankStatement,
        Needs::Nothing,
        "relevedecompte|relevedecomptes|relevedevotrecompte|relevedevoscomptes|relevebancaire|relevedecomptebancaire|\
      relevedecomptecourant|relevedecomptecheque|relevedoperations|relevedesoperations|relevedevosoperations|\
      extraitdecompte|extraitdecomptes|extraitbancaire|bankstatement|bankaccountstatement|currentaccountstatement|\
      checkingaccountstatement|kontoauszug|bankauszug|extractobancario|extractodecuenta|extractodelacuenta|\
      rekeningafschrift|bankafschrift|rekeninguittreksel",
    ),
    (
        BankStatement,
        Needs::Both,
        "releve|extrait|situationdecompte|statement|accountstatement|statementofaccount|statementofaccounts|\
      monthlystatement|kontoubersicht|umsatzubersicht|estadodecuenta|rekeningoverzicht|extracto",
    ),
    (
        CardStatement,
        Needs::Nothing,
        "relevedecarte|relevedecartebancaire|relevedecartedecredit|relevedecompteducartedecredit|\
      relevedesoperationsparcarte|relevedoperationsparcarte|relevedesoperationscarte|relevecarte|\
      relevecartebancaire|relevedesoperationsdevotrecarte|relevedevotrecarte|etatdedepenses|\
      creditcardstatement|cardstatement|cardmemberstatement|creditcardaccountstatement|kreditkartenabrechnung|\
      kartenabrechnung|kreditkartenauszug|extractodetarjeta|extractodelatarjeta|extractotarjeta|\
      estadodecuentadetarjeta|creditcardoverzicht|kaartoverzicht|uitgavenoverzicht|uitgavenstaat",
    ),
    (
        Payslip,
        Needs::Nothing,
        "bulletindepaie|bulletindepaye|bulletindesalaire|fichedepaie|fichedepaye|fichedesalaire|payslip|paystub|\
      paystatement|payadvice|salaryslip|salarystatement|earningsstatement|statementofearnings|payrollstatement|\
      wageslip|lohnabrechnung|gehaltsabrechnung|lohnundgehaltsabrechnung|lohngehaltsabrechnung|entgeltabrechnung|\
      verdienstabrechnung|entgeltnachweis|lohnzettel|gehaltszettel|abrechnungderbruttonettobezuge|\
      abrechnungderbruttobezuge|nomina|recibodenomina|recibodesalario|recibodesalarios|reciboindividualdesalarios|\
      reciboindividualjustificativodelpagodesalarios|hojadesalario|loonstrook|loonstrookje|salarisstrook|\
      salarisspecificatie|loonspecificatie|loonbrief|loonfiche",
    ),
    (
        Reminder,
        Needs::Either,
        "rappeldepaiement|rappeldefacture|rappeldefactureimpayee|lettrederappel|lettrederelance|relance|miseendemeure|\
      avisderappel|paymentreminder|overduenotice|finalnotice|mahnung|zahlungserinnerung|recordatoriodepago|\
      betalingsherinnering|aanmaning|ingebrekestelling",
    ),
    (Reminder, Needs::Both, "rappel|reminder|erinnerung|recordatorio|herinnering"),
];

/// Titles behind which the matter may follow: "Devis rénovation cuisine".
pub(super) const OPEN: &str =
    "devis|quotation|estimate|angebot|kostenvoranschlag|presupuesto|offerte";

/// Words before a title that leave it one.
pub(super) const BEFORE: &str = "votre|notre|mon|copie|duplicata|1er|2e|2eme|3e|3eme|premier|deuxieme|dernier|your|our|copy|1st|2nd|first|\
    second|final|ihr|ihre|unser|unsere|erste|zweite|letzte|1|2|3|su|nuestro|uw|onze|eerste|tweede|laatste|\
    combined|monthly";

/// Words behind a title that leave it one: of numbers, dates, periods and copies.
pub(super) const BEHIND: &str = "n|no|nr|nos|num|numero|number|nummer|nro|ref|reference|id|du|de|des|d|la|le|les|l|au|en|date|pour|mois|\
    periode|period|arrete|edite|emis|from|to|of|the|for|month|dated|as|at|on|vom|bis|zum|fur|den|der|am|monat|\
    zeitraum|und|et|and|del|al|el|los|fecha|mes|van|tot|voor|maand|datum|page|pag|seite|p|pagina|v|rev|version|\
    indice|original|originale|copie|copy|duplicata|duplicate|kopie|copia|client|customer|kunde|simplifie|clarifie|\
    courant|cheque|cheques|depot|mensuel|mensuelle|annuel|monthly|daily|eur|gratuit";

/// Words behind "reçu" that make it what was received.
pub(super) const RECEIVED: &str = "le|par|de|ce|en";

/// Words behind a title that make it the heading of a party: "Facture à", "Invoice to".
pub(super) const HEADING: &str = "a|to|an|aan|para|from";

/// Folded words, one of which bears out a sort where its title does not stand out.
pub(super) const SUPPORT: &[(DocumentType, &str)] = &[
    (
        Quote,
        "bon pour accord|devis valable|offre valable|proposition valable|validite|devis recu avant|valid until|\
      valid for|quote valid|validity|expiration date|acceptance|gultig|freibleibend|unverbindlich|valido hasta|\
      validez|geldig|vrijblijvend|pas une facture|not an invoice|keine rechnung|no es una factura|geen factuur",
    ),
    (
        PurchaseOrder,
        "fournisseur|livraison souhaitee|delai de livraison|date de livraison|supplier|vendor|delivery date|ship to|\
      lieferant|liefertermin|lieferdatum|bestelldatum|proveedor|fecha de entrega|leverancier|leverdatum|levertijd",
    ),
    (
        DeliveryNote,
        "transporteur|colis|recu par|quantite livree|qte livree|livre a|signature du client|carrier|received by|\
      packages|quantity shipped|spediteur|empfangen|erhalten|liefermenge|transportista|bultos|recibido por|\
      vervoerder|ontvangen|colli",
    ),
    (
        Reminder,
        "impaye|retard|sauf erreur|overdue|outstanding|past due|uberfallig|verzug|vencid|impagad|achterstall|\
      openstaand|in gebreke",
    ),
];

/// What the page of a bank or a card alone says; folded, each list a sign.
pub(super) const BANK: &[&str] = &[
    "solde crediteur|solde debiteur|ancien solde|nouveau solde|solde precedent|solde initial|solde au",
    "opening balance|closing balance|balance brought forward|balance carried forward|starting balance",
    "withdrawals|paid out|money out|money in",
    "credit limit|credit line|minimum payment|cash advance|paiement minimum|limite de credit",
    "alter saldo|neuer saldo|kontostand|anfangssaldo|endsaldo|mindestbetrag|verfugungsrahmen",
    "saldo anterior|saldo inicial|saldo final|nuevo saldo|pago minimo|limite de credito",
    "beginsaldo|eindsaldo|vorig saldo|nieuw saldo|oud saldo|bestedingslimiet",
];

/// Which of the pages of a bank are a card's.
pub(super) const CARD: &str = "credit limit|minimum payment|cash advance|paiement minimum|pago minimo|mindestbetrag|bestedingslimiet|\
    card number|numero de carte|kartennummer|numero de tarjeta|kaartnummer";

/// Words that make of what is said behind them a condition, or what is still to come.
pub(super) const IF: &str =
    "si|if|unless|wenn|falls|sollten|sofern|indien|be|etre|werden|ser|seran|worden";

/// What is said once the money was given, between other words; folded.
pub(super) const PAID: &str = "rendu monnaie|monnaie rendue|a rendre|paye le|payee le|paye par|payee par|paye en|regle le|\
    reglee le|regle par|reglee par|acquittee le|deja paye|deja regle|change due|cash tendered|amount tendered|paid on|\
    paid by|paid with|paid in full|paid in cash|payment received|approval code|auth code|ruckgeld|gegeben bar|\
    bezahlt mit|bar bezahlt|wisselgeld|betaald met|pagado con|entregado efectivo";
